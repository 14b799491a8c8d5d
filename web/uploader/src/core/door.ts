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
import { fetchWithin, LONG, pause, SHORT } from "./in-time.js";
import { KNOWN, type Taken, takenOf } from "./taken.js";
import { Tickets } from "./tickets.js";
import type { TicketWish, UploadConnection } from "./types.js";

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

/** A part that is there, and how large it is. */
export type ListedPart = Schemas["ListedPart"];

/** Pauses between tries of a call that may well succeed later, in milliseconds. */
const PATIENCE = [500, 1500, 4000];
/** How often another ticket is asked for: files that begin at once may use one up between them. */
const TICKETS = 4;
/** How long a file waits to be told what may come in, in milliseconds. */
const LIMITS_IN_TIME = 5_000;

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

function clientOf(connection: Connection, ticket: string | undefined, patience: number): StrongroomClient {
  const fetch = fetchWithin(patience);
  return ticket
    ? createClient({ endpoint: ticket }, { credentials: "omit", Request: behind(ticket), fetch })
    : createClient(connection, { fetch });
}

export class Door {
  readonly #client: StrongroomClient;
  /** For what the server works at for long. */
  readonly #patient: StrongroomClient;

  /** `ticket` is a ticket's `companionEndpoint`; without one the connection says who is calling. */
  constructor(
    connection: Connection,
    readonly ticket?: string,
  ) {
    this.#client = clientOf(connection, ticket, SHORT);
    this.#patient = clientOf(connection, ticket, LONG);
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

  /**
   * The parts that are there; nothing where the upload has come to its end: it is a document already, and the answer
   * that said so was lost. The server lists the parts of open uploads only; completing may be repeated.
   */
  async sent(open: OpenUpload, signal?: AbortSignal): Promise<ListedPart[] | undefined> {
    try {
      return await this.#list(open, signal);
    } catch (error) {
      if (!(error instanceof StrongroomError) || ![404, 409].includes(error.status)) throw error;
      await this.complete(open, [], signal).catch((again: unknown) => {
        throw again instanceof StrongroomError && again.status < 500 && !again.temporary ? error : again;
      });
      return undefined;
    }
  }

  async #list({ uploadId, key }: OpenUpload, signal?: AbortSignal): Promise<ListedPart[]> {
    const params = { path: { uploadId }, query: { key } };
    const asked = { params, ...(signal && { signal }) };
    const { data } = await patiently(
      () => this.#client.GET("/api/uppy/s3/multipart/{uploadId}", asked),
      signal,
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
        this.#patient.POST("/api/uppy/s3/multipart/{uploadId}/complete", {
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
      this.#patient.POST("/api/uppy/s3/confirm", { body: { key } as never }),
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

/** Opens doors: with a ticket, or as the connection says who is uploading. */
export class Doors {
  #tickets: Tickets | undefined;
  #taken: Promise<Taken | undefined> | undefined;

  constructor(
    private readonly connection: Connection,
    private readonly options: () => UploadConnection,
    private readonly wish: () => TicketWish,
  ) {}

  /**
   * Where tickets are got now; nothing where no ticket says who is uploading. A file stays with what it finds here
   * when it is chosen: a page that has gone on to another patient must not send it there.
   */
  tickets(): Tickets | undefined {
    const { ticketUrl, getTicket } = this.options();
    if (!ticketUrl && !getTicket) return undefined;
    const source = { ticketUrl, getTicket };
    if (!this.#tickets?.areFrom(source)) this.#tickets = new Tickets(source, this.wish);
    return this.#tickets;
  }

  /**
   * What uploads belong to beyond what the page says: a ticket's scope; nothing to add without a ticket. Not
   * defined where it cannot be known.
   */
  async scope(tickets: Tickets | undefined): Promise<string | undefined> {
    return tickets ? (await tickets.current()).scope : "";
  }

  /** What may come in. The server is asked once; a ticket reads nothing, so it brings this along. */
  async taken(tickets: Tickets | undefined): Promise<Taken> {
    if (tickets) {
      const { limits } = await tickets.current();
      return limits ? takenOf(limits) : KNOWN;
    }
    this.#taken ??= new Door(this.connection).limits();
    const taken = await this.#taken;
    if (!taken) this.#taken = undefined;
    return taken ?? KNOWN;
  }

  /** Announces a file. Where the ticket turns out to be used up, another is asked for. */
  async create(
    file: Announced,
    tickets: Tickets | undefined,
    signal: AbortSignal,
  ): Promise<{ door: Door; open: OpenUpload; scope: string | undefined }> {
    for (let left = TICKETS; ; left -= 1) {
      const ticket = await tickets?.current();
      const door = new Door(this.connection, ticket?.companionEndpoint);
      try {
        const open = await door.create(this.#about(file, door), signal);
        return { door, open, scope: ticket ? ticket.scope : "" };
      } catch (error) {
        if (!tickets || !door.ticket || left === 0 || !isTicketsFault(error)) throw error;
        await tickets.drop(door.ticket);
      }
    }
  }

  /** A ticket says itself what its uploads belong to. */
  #about(file: Announced, door: Door): Announced {
    return door.ticket ? file : { ...file, metadata: { ...this.wish(), ...file.metadata } };
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
