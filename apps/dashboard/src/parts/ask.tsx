import { useState, type ReactNode } from "react";
import { Dialog } from "react-aria-components/Dialog";
import { Heading } from "react-aria-components/Heading";
import { Modal, ModalOverlay } from "react-aria-components/Modal";
import { ApiError } from "../api/client.ts";
import { Button } from "./button.tsx";
import { Field } from "./field.tsx";
import { Problem } from "./states.tsx";

type Stage<T> =
  | { readonly at: "asking" }
  | { readonly at: "waiting" }
  | { readonly at: "refused"; readonly error: Error }
  | { readonly at: "done"; readonly answer: T };

/**
 * A control that changes something: it asks once, with a reason where one is recorded, shows that it
 * waits, and then what the kernel answered. Nothing looks done before that.
 */
export function Ask<T>(props: {
  label: string;
  title: string;
  explain: ReactNode;
  confirm: string;
  waiting: string;
  kind?: "plain" | "primary" | "danger";
  reason?: "required" | "none";
  isDisabled?: boolean;
  /** Whether it can be asked for now; one that was asked goes on to its answer all the same. */
  isOffered?: boolean;
  perform: (reason: string) => Promise<T>;
  describe: (answer: T) => ReactNode;
  onDone?: () => void;
}): ReactNode {
  const [isOpen, setOpen] = useState(false);
  const [stage, setStage] = useState<Stage<T>>({ at: "asking" });
  const [reason, setReason] = useState("");
  const [isMissing, setMissing] = useState(false);
  const needsReason = props.reason !== "none";
  const kind = props.kind ?? "plain";

  const open = (next: boolean): void => {
    setOpen(next);
    if (!next) return;
    setStage({ at: "asking" });
    setReason("");
    setMissing(false);
  };
  const perform = async (): Promise<void> => {
    if (needsReason && reason.trim() === "") {
      setMissing(true);
      return;
    }
    setStage({ at: "waiting" });
    try {
      setStage({ at: "done", answer: await props.perform(reason.trim()) });
      props.onDone?.();
    } catch (error) {
      const shown = error instanceof Error ? error : new ApiError(0, "unknown", String(error));
      setStage({ at: "refused", error: shown });
    }
  };
  const isWaiting = stage.at === "waiting";
  return (
    <>
      {props.isOffered !== false && (
        <Button kind={kind} isDisabled={props.isDisabled === true} onPress={() => open(true)}>
          {props.label}
        </Button>
      )}
      <ModalOverlay
        className="overlay"
        isOpen={isOpen}
        onOpenChange={open}
        isDismissable={!isWaiting}
        isKeyboardDismissDisabled={isWaiting}
      >
        <Modal className="modal">
          <Dialog className="dialog" role={kind === "danger" ? "alertdialog" : "dialog"}>
            <Heading slot="title">{props.title}</Heading>
            {stage.at === "done" ? (
              <>
                <div role="status">{props.describe(stage.answer)}</div>
                <div className="row end">
                  <Button kind="primary" onPress={() => open(false)}>
                    Close
                  </Button>
                </div>
              </>
            ) : (
              <form
                onSubmit={(event) => {
                  event.preventDefault();
                  void perform();
                }}
              >
                <div className="explain">{props.explain}</div>
                {needsReason && (
                  <Field
                    label="Reason"
                    hint="It goes into the ledger, under your name."
                    value={reason}
                    onChange={setReason}
                    isDisabled={isWaiting}
                    autoFocus
                    {...(isMissing && reason.trim() === ""
                      ? { problem: "Say why, so that others can read it." }
                      : {})}
                  />
                )}
                {stage.at === "refused" && <Problem error={stage.error} />}
                <div className="row end">
                  <Button isDisabled={isWaiting} onPress={() => open(false)}>
                    Cancel
                  </Button>
                  <Button
                    kind={kind === "danger" ? "danger" : "primary"}
                    type="submit"
                    isPending={isWaiting}
                  >
                    {isWaiting ? props.waiting : props.confirm}
                  </Button>
                </div>
              </form>
            )}
          </Dialog>
        </Modal>
      </ModalOverlay>
    </>
  );
}
