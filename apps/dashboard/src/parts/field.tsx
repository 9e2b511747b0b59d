import type { ReactNode } from "react";
import { FieldError } from "react-aria-components/FieldError";
import { Input } from "react-aria-components/Input";
import { Label } from "react-aria-components/Label";
import { Text as HelpText } from "react-aria-components/Text";
import { TextArea } from "react-aria-components/TextArea";
import { TextField } from "react-aria-components/TextField";

/** A line of text, or some, with its label, what it is for and what is wrong with it. */
export function Field(props: {
  label: string;
  value: string;
  onChange: (value: string) => void;
  hint?: string;
  problem?: string;
  type?: "text" | "datetime-local";
  /** How many lines are shown; one where it is not said. */
  lines?: number;
  maxLength?: number;
  inputMode?: "numeric" | "decimal";
  isDisabled?: boolean;
  autoFocus?: boolean;
}): ReactNode {
  const { problem } = props;
  return (
    <TextField
      className="field"
      value={props.value}
      onChange={props.onChange}
      isInvalid={problem !== undefined}
      isDisabled={props.isDisabled === true}
      autoFocus={props.autoFocus === true}
      maxLength={props.maxLength ?? 500}
      type={props.type ?? "text"}
      {...(props.inputMode === undefined ? {} : { inputMode: props.inputMode })}
    >
      <Label>{props.label}</Label>
      {props.lines === undefined ? <Input /> : <TextArea rows={props.lines} />}
      {props.hint !== undefined && problem === undefined && (
        <HelpText slot="description">{props.hint}</HelpText>
      )}
      {problem !== undefined && <FieldError>{problem}</FieldError>}
    </TextField>
  );
}
