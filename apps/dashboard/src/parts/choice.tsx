import type { ReactNode } from "react";
import { Button } from "react-aria-components/Button";
import { Label } from "react-aria-components/Label";
import { ListBox, ListBoxItem } from "react-aria-components/ListBox";
import { Popover } from "react-aria-components/Popover";
import { Select, SelectValue } from "react-aria-components/Select";

/** One of a few words, or all of them. */
export function Choice(props: {
  label: string;
  all: string;
  words: readonly string[];
  value: string | undefined;
  onChange: (value: string | undefined) => void;
}): ReactNode {
  return (
    <Select
      className="field"
      value={props.value ?? ""}
      onChange={(key) => props.onChange(key === "" || key === null ? undefined : String(key))}
    >
      <Label>{props.label}</Label>
      <Button className="choice">
        <SelectValue />
        <span aria-hidden="true">▾</span>
      </Button>
      <Popover className="popover">
        <ListBox className="list-box">
          {["", ...props.words].map((word) => (
            <ListBoxItem className="list-item" key={word} id={word}>
              {word === "" ? props.all : word.replaceAll("_", " ")}
            </ListBoxItem>
          ))}
        </ListBox>
      </Popover>
    </Select>
  );
}
