/** Keeps a fault of one page to that page. Mostly a part of the page could not be fetched: the server was away, or is newer by now. */
import { Component, type ReactNode } from "react";
import { Box } from "@mantine/core";
import { ApiError } from "../api";
import { Failed } from "./states";

interface Props {
  /** The fault is forgotten when this changes. */
  of: string;
  children: ReactNode;
}

export class Boundary extends Component<Props, { error: Error | undefined }> {
  override state: { error: Error | undefined } = { error: undefined };

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  override componentDidUpdate(before: Props) {
    if (before.of !== this.props.of && this.state.error) this.setState({ error: undefined });
  }

  override render() {
    const { error } = this.state;
    if (!error) return this.props.children;
    const away = error instanceof TypeError && /import|fetch|module/i.test(error.message);
    const said = away ? new ApiError(0, "unreachable", "The server cannot be reached for this page. Check the connection and try again.", {}, undefined) : error;
    // What could not be fetched is not asked for again by itself; the address keeps what was chosen.
    return <Box mb="md"><Failed error={said} retry={() => window.location.reload()} /></Box>;
  }
}
