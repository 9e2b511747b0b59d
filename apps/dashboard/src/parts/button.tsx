import type { ReactNode } from "react";
import { Button as AriaButton } from "react-aria-components/Button";

export function Button(props: {
  children: ReactNode;
  onPress?: () => void;
  kind?: "plain" | "primary" | "danger";
  type?: "button" | "submit";
  isPending?: boolean;
  isDisabled?: boolean;
  label?: string;
}): ReactNode {
  const { kind = "plain", type = "button", isPending = false, label } = props;
  return (
    <AriaButton
      className={`button ${kind}`}
      type={type}
      isPending={isPending}
      isDisabled={props.isDisabled === true}
      {...(props.onPress === undefined ? {} : { onPress: props.onPress })}
      {...(label === undefined ? {} : { "aria-label": label })}
    >
      {isPending && <span className="spinner" aria-hidden="true" />}
      {props.children}
    </AriaButton>
  );
}
