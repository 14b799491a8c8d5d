import { LabResults } from "./LabResults";

export default function Page() {
  return (
    <main>
      <h1>Lab results of Test Patient</h1>
      <LabResults />
    </main>
  );
}
