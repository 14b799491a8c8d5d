/** Every page on one page: path, component, and who is offered it (the server decides). */
import { lazy, Suspense } from "react";
import { Navigate, Route, Routes } from "react-router";
import { Shell } from "./layout/Shell";
import { Login } from "./pages/Login";
import { Setup } from "./pages/Setup";
import { Waiting } from "./parts/states";
import { SignedIn } from "./session";

const Overview = lazy(() => import("./pages/Overview"));
const Settings = lazy(() => import("./pages/settings/Settings"));

export function App() {
  return (
    <Suspense fallback={<Waiting />}>
      <Routes>
        <Route path="/login" element={<Login />} />
        <Route path="/setup" element={<Setup />} />
        <Route path="/storage" element={<SignedIn><Shell /></SignedIn>}>
          <Route index element={<Overview />} />
          <Route path="settings/*" element={<Settings />} />
        </Route>
        <Route path="*" element={<Navigate to="/storage" replace />} />
      </Routes>
    </Suspense>
  );
}
