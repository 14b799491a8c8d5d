// The server's door for uploads (`/api/uppy/s3`), opened by a ticket, a token or the page's cookie. What an
// upload begins with it ends with: a ticket reaches only the uploads that began with it.
import {
  type Connection,
  createClient,
  type Document,
  type Schemas,
  StrongroomError,
  type StrongroomClient,
} from "../client/index.js";
import { errorOf, unreachable } from "../client/errors.js";
import { KNOWN, type Taken, takenOf } from "./taken.js";
import type { Ticket, TicketWish, UploadConnection } from "./types.js";

/** An upload in parts: its id is the document's. */
export interface OpenUpload {
  uploadId: string;
  key: string;
}

export interface Announced {
  filename: string;
  type: string;
  metadata: Record<string, string | number>;
}

/** A part that is there. */
export type SentPart = Schemas["UppyCompleteRequest"]["parts"][number];

/** Pauses between tries of a call that may well succeed later, in milliseconds. */
const PATIENCE = [500, 1500, 4000];
/** How often another ticket is asked for: files that begin at once may use one up between them. */
const TICKETS = 4;
/** How long a file waits to be told what may come in, in milliseconds. */
const LIMITS_IN_TIME = 5_000;
/** A ticket this near its end is not used any more, in milliseconds. */
const TOO_LATE = 60_000;

/** Runs a call again while what stops it passes. */
async function patiently<T>(call: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  for (const wait of PATIENCE) {
    try {
      return await call();
    } catch (error) {
      const passing = error instanceof StrongroomError && error.temporary;
      if (!passing || (error.retryAfter ?? 0) > 10) throw error;
      await pause(Math.max(wait, (error.retryAfter ?? 0) * 1000), signal);
    }
  }
  return call();
}

function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    signal?.addEventListener("abort", stop, { once: true });
  });
}

/** Behind a ticket the paths of `/api/uppy` begin with the ticket's address instead. */
function behind(ticket: string): typeof Request {
  const base = ticket.replace(/\/+$/, "");
  return class extends Request {
    constructor(input: RequestInfo | URL, init?: RequestInit) {
      const plain = typeof input === "string" && input.startsWith(`${base}/api/uppy/`);
      super(plain ? base + input.slice(`${base}/api/uppy`.length) : input, init);
    }
  };
}

export class Door {
  readonly #client: StrongroomClient;

  /** `ticket` is a ticket's `companionEndpoint`; without one the connection says who is calling. */
  constructor(
    connection: Connection,
    readonly ticket?: string,
  ) {
    this.#client = ticket
      ? createClient(
          { endpoint: ticket },
          { credentials: "omit", Request: behind(ticket) },
        )
      : createClient(connection);
  }

  /** What may come in; nothing where that cannot be had, which is no reason to stop. */
  async limits(): Promise<Taken | undefined> {
    const signal = AbortSignal.timeout(LIMITS_IN_TIME);
    const asked = this.#client.GET("/api/docs/limits", { signal });
    return asked.then(({ data }) => takenOf(data)).catch(() => undefined);
  }

  /** Announces a file; what is wrong with it is told here, before its first byte. */
  async create(body: Announced, signal: AbortSignal): Promise<OpenUpload> {
    const asked = { body, signal } as const;
    const { data } = await patiently(
      () => this.#client.POST("/api/uppy/s3/multipart", asked as never),
      signal,
    );
    return data as Schemas["CreateAnswer"];
  }

  async list({ uploadId, key }: OpenUpload, signal?: AbortSignal) {
    const params = { path: { uploadId }, query: { key } };
    const { data } = await patiently(() =>
      this.#client.GET("/api/uppy/s3/multipart/{uploadId}", { params, ...(signal && { signal }) }),
    );
    return data;
  }

  /** Not tried again here: the plugin does that, with pauses of its own. */
  async sign({ uploadId, key }: OpenUpload, partNumber: number, signal?: AbortSignal) {
    const params = { path: { uploadId, partNumber: String(partNumber) }, query: { key } };
    const { data } = await this.#client.GET("/api/uppy/s3/multipart/{uploadId}/{partNumber}", {
      params,
      ...(signal && { signal }),
    });
    return data;
  }

  /** Makes the document of the parts. */
  async complete({ uploadId, key }: OpenUpload, parts: SentPart[], signal?: AbortSignal) {
    const params = { path: { uploadId }, query: { key } };
    const { data } = await patiently(
      () =>
        this.#client.POST("/api/uppy/s3/multipart/{uploadId}/complete", {
          params,
          body: { parts: parts.map(({ PartNumber, ETag }) => ({ PartNumber, ETag })) },
          ...(signal && { signal }),
        }),
      signal,
    );
    return data;
  }

  /** The document of a complete upload. */
  async document({ key }: OpenUpload): Promise<Document> {
    const { data } = await patiently(() =>
      this.#client.POST("/api/uppy/s3/confirm", { body: { key } as never }),
    );
    return data as Document;
  }

  /** Gives an upload up; that it has ended already is as good. */
  async abort({ uploadId, key }: OpenUpload): Promise<void> {
    const params = { path: { uploadId }, query: { key } };
    try {
      await patiently(() => this.#client.DELETE("/api/uppy/s3/multipart/{uploadId}", { params }));
    } catch (error) {
      if (!(error instanceof StrongroomError)) throw error;
    }
  }
}

async function askTicket(url: string, wish: TicketWish): Promise<Ticket> {
  const answer = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json" },
    body: JSON.stringify(wish),
  }).catch((error: unknown) => {
    throw unreachable(error);
  });
  if (!answer.ok) throw await errorOf(answer);
  return (await answer.json()) as Ticket;
}

/** Opens doors: a ticket serves until it is about to end, then another is asked for. */
export class Doors {
  #ticket: Promise<Ticket> | undefined;
  #taken: Promise<Taken | undefined> | undefined;

  constructor(
    private readonly connection: Connection,
    private readonly options: () => UploadConnection,
    private readonly wish: TicketWish,
  ) {}

  /** Whether a ticket says who is uploading. */
  get byTicket(): boolean {
    const { ticketUrl, getTicket } = this.options();
    return Boolean(ticketUrl || getTicket);
  }

  /** The ticket for new uploads. */
  async #current(): Promise<Ticket> {
    const { ticketUrl, getTicket } = this.options();
    const known = this.#ticket;
    const ticket = await known?.catch(() => undefined);
    if (ticket && !isEnding(ticket)) return ticket;
    // Files that begin at once share the one that the first of them asks for.
    if (this.#ticket === known) {
      this.#ticket = getTicket ? getTicket(this.wish) : askTicket(ticketUrl ?? "", this.wish);
    }
    return (await this.#ticket) ?? this.#current();
  }

  /** A door for new uploads. */
  async #now(): Promise<Door> {
    if (!this.byTicket) return new Door(this.connection);
    return new Door(this.connection, (await this.#current()).companionEndpoint);
  }

  /** What may come in. The server is asked once; a ticket reads nothing, so it brings this along. */
  async taken(): Promise<Taken> {
    if (this.byTicket) {
      const { limits } = await this.#current();
      return limits ? takenOf(limits) : KNOWN;
    }
    this.#taken ??= new Door(this.connection).limits();
    const taken = await this.#taken;
    if (!taken) this.#taken = undefined;
    return taken ?? KNOWN;
  }

  /** Announces a file. Where the ticket turns out to be used up, another is asked for. */
  async create(file: Announced, signal: AbortSignal): Promise<{ door: Door; open: OpenUpload }> {
    for (let left = TICKETS; ; left -= 1) {
      const door = await this.#now();
      try {
        return { door, open: await door.create(this.#about(file, door), signal) };
      } catch (error) {
        if (!door.ticket || left === 0 || !isTicketsFault(error)) throw error;
        // Another file may have asked for the next one already.
        const current = await this.#ticket?.catch(() => undefined);
        if (current?.companionEndpoint === door.ticket) this.#ticket = undefined;
      }
    }
  }

  /** A ticket says itself what its uploads belong to. */
  #about(file: Announced, door: Door): Announced {
    return door.ticket ? file : { ...file, metadata: { ...this.wish, ...file.metadata } };
  }

  /** The door that an upload began with. */
  again(ticket: string | undefined): Door {
    return new Door(this.connection, ticket);
  }
}

function isTicketsFault(error: unknown): boolean {
  return (
    error instanceof StrongroomError && (error.status === 401 || error.code === "ticket_used_up")
  );
}

function isEnding({ expiresAt }: Ticket): boolean {
  return expiresAt !== undefined && Date.parse(expiresAt) - Date.now() < TOO_LATE;
}
