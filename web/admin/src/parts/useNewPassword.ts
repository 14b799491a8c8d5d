/** A password that somebody chooses, typed twice; the server's rule is said while they type. */
import { useState } from "react";

const MIN_PASSWORD = 12;

export const RULE = `At least ${MIN_PASSWORD} characters`;

export function useNewPassword() {
  const [password, setPassword] = useState("");
  const [again, setAgain] = useState("");
  const left = MIN_PASSWORD - [...password].length;
  return {
    password, setPassword, again, setAgain,
    tooShort: password !== "" && left > 0 ? `${left} more` : undefined,
    differs: again !== "" && again !== password ? "This is not the same" : undefined,
    ready: left <= 0 && again === password,
  };
}
