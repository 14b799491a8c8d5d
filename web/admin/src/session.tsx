/** Who is signed in, for every page. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useEffect, useRef } from "react";
import { Navigate, useLocation } from "react-router";
import { ApiError, api, data, type Schemas, whenSignedOut } from "./api";
import type { Coming } from "./pages/Login";
import { Failed, Waiting } from "./parts/states";

export type Session = Schemas["SessionAnswer"];
export type Role = "admin" | "clinician" | "staff" | "patient" | "auditor" | "service";

const Context = createContext<Session | undefined>(undefined);

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
  const session = useQuery({
    queryKey: ["session"],
    queryFn: () => data(api.GET("/api/session")),
    retry: (count, error) => count < 2 && !(error instanceof ApiError && error.status === 401),
    staleTime: 60_000,
    // The session ends after some idle time; a page that stands open must show it.
    refetchOnWindowFocus: "always",
  });
  useEffect(() => whenSignedOut(() => void cache.resetQueries({ queryKey: ["session"] })), [cache]);
  const user = useRef<string>(undefined);
  if (session.data) user.current = session.data.user;
  if (session.isPending) return <Waiting />;
  if (session.error instanceof ApiError && session.error.status === 401) {
    const back = place.pathname + place.search;
    return <Navigate to="/login" replace state={{ back, ...(user.current && { user: user.current }) } satisfies Coming} />;
  }
  if (!session.data) return <Failed error={session.error} retry={() => session.refetch()} />;
  return <Context value={session.data}>{children}</Context>;
}
