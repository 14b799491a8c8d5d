// Tickets, as they are got from one place: one serves until it is about to end, then another is asked for.
import { StrongroomError } from "../client/index.js";
import { errorOf, unreachable } from "../client/errors.js";
import { fetchWithin, SHORT, within } from "./in-time.js";
import type { Ticket, TicketWish, UploadConnection } from "./types.js";

/** Where tickets come from. */
export type TicketSource = Pick<UploadConnection, "ticketUrl" | "getTicket">;

/** A ticket this near its end is not used any more, in milliseconds. */
const TOO_LATE = 60_000;

export class Tickets {
  #ticket: Promise<Ticket> | undefined;

  constructor(
    private readonly source: TicketSource,
    private readonly wish: () => TicketWish,
  ) {}

  /** Whether they come from there. */
  areFrom({ ticketUrl, getTicket }: TicketSource): boolean {
    return this.source.ticketUrl === ticketUrl && this.source.getTicket === getTicket;
  }

  /** The ticket for new uploads. */
  async current(): Promise<Ticket> {
    const known = this.#ticket;
    const ticket = await known?.catch(() => undefined);
    if (ticket && !isEnding(ticket)) return ticket;
    // Files that begin at once share the one that the first of them asks for.
    if (this.#ticket === known) this.#ticket = this.#ask();
    return (await this.#ticket) ?? this.current();
  }

  /** It is used up or has ended: who comes next asks for another. */
  async drop(endpoint: string) {
    // Another file may have asked for the next one already.
    const current = await this.#ticket?.catch(() => undefined);
    if (current?.companionEndpoint === endpoint) this.#ticket = undefined;
  }

  async #ask(): Promise<Ticket> {
    const { ticketUrl, getTicket } = this.source;
    const asked = getTicket ? getTicket(this.wish()) : askTicket(ticketUrl ?? "", this.wish());
    const ticket = await within(SHORT, Promise.resolve(asked));
    if (!ticket?.companionEndpoint) throw new StrongroomError("unknown", "The app gave no ticket.");
    return ticket;
  }
}

async function askTicket(url: string, wish: TicketWish): Promise<Ticket> {
  const asked = new Request(new URL(url, document.baseURI), {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json" },
    body: JSON.stringify(wish),
  });
  const answer = await fetchWithin(SHORT)(asked).catch((error: unknown) => {
    throw unreachable(error);
  });
  if (!answer.ok) throw await errorOf(answer);
  return (await answer.json()) as Ticket;
}

function isEnding({ expiresAt }: Ticket): boolean {
  return expiresAt !== undefined && Date.parse(expiresAt) - Date.now() < TOO_LATE;
}
