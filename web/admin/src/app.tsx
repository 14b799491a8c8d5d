/** Every page on one page: path and component. What of them is offered: layout/navigation.ts. */
import { lazy, Suspense } from "react";
import { Navigate, Route, Routes } from "react-router";
import { Shell } from "./layout/Shell";
import { sections } from "./layout/navigation";
import { Login } from "./pages/Login";
import { Setup } from "./pages/Setup";
import { Waiting } from "./parts/states";
import { SignedIn, useSession } from "./session";

const Overview = lazy(() => import("./pages/Overview"));
const Documents = lazy(() => import("./pages/documents/Documents"));
const Audit = lazy(() => import("./pages/Audit"));
const Settings = lazy(() => import("./pages/settings/Settings"));
const lists = () => import("./pages/Lists");
const Trash = lazy(() => lists().then((m) => ({ default: m.Trash })));
const Quarantine = lazy(() => lists().then((m) => ({ default: m.Quarantine })));
const Mine = lazy(() => lists().then((m) => ({ default: m.Mine })));

export function App() {
  return (
    <Suspense fallback={<Waiting />}>
      <Routes>
        <Route path="/login" element={<Login />} />
        <Route path="/setup" element={<Setup />} />
        <Route path="/storage" element={<SignedIn><Shell /></SignedIn>}>
          <Route index element={<First />} />
          <Route path="documents" element={<Documents />} />
          <Route path="mine" element={<Mine />} />
          <Route path="quarantine" element={<Quarantine />} />
          <Route path="trash" element={<Trash />} />
          <Route path="audit" element={<Audit />} />
          <Route path="settings/*" element={<Settings />} />
          <Route path="*" element={<First />} />
        </Route>
        <Route path="*" element={<Navigate to="/storage" replace />} />
      </Routes>
    </Suspense>
  );
}

/** The overview for those who have one; everybody else begins at their first page. */
function First() {
  const { roles } = useSession();
  const first = sections.find((section) => section.roles.some((role) => roles.includes(role)));
  return first && first.path !== "/storage" ? <Navigate to={first.path} replace /> : <Overview />;
}
