import type { ReactNode } from "react";
import "@strongroom/uploader/style.css";

export const metadata = { title: "Lab results of Test Patient" };

export default function Layout({ children }: { children: ReactNode }) {
  return (
    <html lang="en" style={{ colorScheme: "light dark" }}>
      <body style={{ maxWidth: "44rem", margin: "2rem auto", padding: "0 1rem", fontFamily: "system-ui" }}>
        {children}
      </body>
    </html>
  );
}
