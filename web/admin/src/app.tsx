/** Every page on one page: path and component. What of them is offered: layout/navigation.ts. */
import { lazy, type ReactNode, Suspense } from "react";
import { Navigate, Route, Routes } from "react-router";
import { Shell } from "./layout/Shell";
import { sectionsOf } from "./layout/navigation";
import { Login } from "./pages/Login";
import { Setup } from "./pages/Setup";
import { Empty, Waiting } from "./parts/states";
import { SignedIn, useSession } from "./session";

const Overview = lazy(() => import("./pages/overview/Overview"));
const Documents = lazy(() => import("./pages/documents/Documents"));
const Patients = lazy(() => import("./pages/patients/Patients"));
const OnePatient = lazy(() => import("./pages/patients/OnePatient"));
const Audit = lazy(() => import("./pages/audit/Audit"));
const Settings = lazy(() => import("./pages/settings/Settings"));
const SelfTest = lazy(() => import("./pages/test/SelfTest"));
const lists = () => import("./pages/Lists");
const Trash = lazy(() => lists().then((m) => ({ default: m.Trash })));
const Quarantine = lazy(() => lists().then((m) => ({ default: m.Quarantine })));
const Holds = lazy(() => lists().then((m) => ({ default: m.Holds })));
const Mine = lazy(() => lists().then((m) => ({ default: m.Mine })));

export function App() {
  return (
    <Suspense fallback={<Waiting />}>
      <Routes>
        <Route path="/login" element={<Login />} />
        <Route path="/setup" element={<Setup />} />
        <Route path="/storage" element={<SignedIn><Shell /></SignedIn>}>
          <Route index element={<First />} />
          <Route path="documents" element={<Of section="documents"><Documents key="documents" /></Of>} />
          <Route path="mine" element={<Of section="mine"><Mine key="mine" /></Of>} />
          <Route path="patients" element={<Of section="patients"><Patients /></Of>} />
          <Route path="patients/:patientId" element={<Of section="patients"><OnePatient /></Of>} />
          <Route path="quarantine" element={<Of section="quarantine"><Quarantine key="quarantine" /></Of>} />
          <Route path="holds" element={<Of section="holds"><Holds key="holds" /></Of>} />
          <Route path="trash" element={<Of section="trash"><Trash key="trash" /></Of>} />
          <Route path="audit" element={<Of section="audit"><Audit /></Of>} />
          <Route path="settings/*" element={<Of section="settings"><Settings /></Of>} />
          <Route path="*" element={<Empty page title="There is no such page">Choose one from the menu.</Empty>} />
        </Route>
        <Route path="/test/s3" element={<SignedIn><Shell /></SignedIn>}>
          <Route index element={<Of section="/test/s3"><SelfTest /></Of>} />
        </Route>
        <Route path="*" element={<Navigate to="/storage" replace />} />
      </Routes>
    </Suspense>
  );
}

/** The overview for those who have one; everybody else begins at their first page. */
function First() {
  const [first] = sectionsOf(useSession().roles);
  if (!first) return <Empty page title="There is nothing here for you">Your role has no pages. Ask an administrator.</Empty>;
  return first.path === "/storage" ? <Overview /> : <Navigate to={first.path} replace />;
}

/** A page for those it is offered to. Everybody else is told so; the server would refuse them anyway. */
function Of({ section, children }: { section: string; children: ReactNode }) {
  const offered = sectionsOf(useSession().roles).some(({ path }) => path === section || path === `/storage/${section}`);
  return offered ? children : <Empty page title="This page is not for your role">Choose another one from the menu.</Empty>;
}
