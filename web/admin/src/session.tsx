/** Who is signed in, for every page. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useEffect, useState } from "react";
import { Navigate, useLocation } from "react-router";
import { ApiError, api, data, type Schemas, whenSignedOut } from "./api";
import type { Coming } from "./pages/Login";
import { Failed, Waiting } from "./parts/states";

export type Session = Schemas["SessionAnswer"];
export type Role = "admin" | "clinician" | "staff" | "patient" | "auditor" | "service";

const Context = createContext<Session | undefined>(undefined);

const isOver = (error: unknown) => error instanceof ApiError && error.status === 401;

export function useSession(): Session {
  const session = useContext(Context);
  if (!session) throw new Error("this page needs somebody who is signed in");
  return session;
}

export function useRole(): (...roles: Role[]) => boolean {
  const { roles } = useSession();
  return (...wanted) => wanted.some((role) => roles.includes(role));
}

/** Shows what is inside to somebody who is signed in; sends everybody else to sign in. */
export function SignedIn({ children }: { children: ReactNode }) {
  const place = useLocation();
  const cache = useQueryClient();
  /** Whose pages these are, also while it is asked who is there. */
  const [whose, setWhose] = useState<string>();
  // What was read for one is not for the next. That a session is being ended is nobody's data.
  const forget = () => cache.removeQueries({ predicate: ({ queryKey: [of] }) => of !== "session" && of !== "leaving" });
  const session = useQuery({
    queryKey: ["session"],
    queryFn: async () => {
      try {
        const now = await data(api.GET("/api/session"));
        if (whose && whose !== now.user) forget();
        return now;
      } catch (error) {
        if (isOver(error)) forget();
        throw error;
      }
    },
    retry: (count, error) => count < 2 && !isOver(error),
    staleTime: 60_000,
    // The session ends after some idle time; a page that stands open must show it.
    refetchOnWindowFocus: "always",
  });
  useEffect(() => whenSignedOut(() => void cache.resetQueries({ queryKey: ["session"] })), [cache]);
  const user = session.data?.user;
  useEffect(() => { if (user) setWhose(user); }, [user]);
  if (session.isPending) return <Waiting />;
  if (isOver(session.error)) {
    const back = place.pathname + place.search;
    return <Navigate to="/login" replace state={{ back, ...(whose && { user: whose }) } satisfies Coming} />;
  }
  if (!session.data) return <Failed error={session.error} retry={() => session.refetch()} />;
  // Somebody else signed in in another tab: they are not led to where the last one was.
  if (whose && whose !== user) return <Navigate to="/storage" replace />;
  return <Context key={user} value={session.data}>{children}</Context>;
}
