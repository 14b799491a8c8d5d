/**
 * Signs somebody out who has left: after the session's idle time without a key, a touch or a click, in
 * any tab. Says so a minute before. The other way round, whoever reads or writes without a call to the
 * server keeps their session by a call now and then. So does what they are sending: somebody who watches a large
 * file go is not sent away, and the idle time begins when the last one has arrived.
 */
import { Button, Group, Modal, Text } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { useNavigate } from "react-router";
import { api, sinceLastCall } from "../api";
import { isSending } from "../upload/sending";
import type { Coming } from "../pages/Login";
import { useSession } from "../session";

const SIGNS = ["pointerdown", "keydown", "wheel", "touchstart", "pointermove"] as const;
const KEY = "strongroom-last-sign";
const MINUTE = 60_000;

export function Idle() {
  const { idleSeconds, user } = useSession();
  const idle = idleSeconds * 1000;
  const warning = Math.min(MINUTE, idle / 4);
  const [left, setLeft] = useState<number>();
  const last = useRef(Date.now());
  const navigate = useNavigate();
  const cache = useQueryClient();
  const stay = () => {
    mark(last);
    setLeft(undefined);
    void api.GET("/api/session").catch(() => undefined);
  };
  useEffect(() => {
    mark(last);
    const sign = () => {
      // Once the question stands there, only its answer counts.
      const now = Date.now();
      if (now - last.current > 1000 && idle - (now - lastSign(last)) > warning) mark(last);
    };
    const look = () => {
      if (isSending()) mark(last);
      const since = Date.now() - lastSign(last);
      if (since >= idle) {
        clearInterval(timer);
        const back = window.location.pathname + window.location.search;
        cache.clear();
        void navigate("/login", { replace: true, state: { leaving: true, idle: true, back, user } satisfies Coming });
        return;
      }
      setLeft(idle - since <= warning ? Math.ceil((idle - since) / 1000) : undefined);
      if (since < idle / 3 && sinceLastCall() > idle / 3) void api.GET("/api/session").catch(() => undefined);
    };
    const timer = setInterval(look, 1000);
    for (const name of SIGNS) window.addEventListener(name, sign, { passive: true });
    return () => {
      clearInterval(timer);
      for (const name of SIGNS) window.removeEventListener(name, sign);
    };
  }, [idle, warning, navigate, cache, user]);
  return (
    <Modal opened={left !== undefined} onClose={stay} title="Are you still there?" centered closeButtonProps={{ "aria-label": "Close" }}>
      <Text size="sm">You will be signed out in {left} seconds, so that nobody else sees what is shown here.</Text>
      <Group justify="flex-end" mt="lg"><Button onClick={stay} data-autofocus>Stay signed in</Button></Group>
    </Modal>
  );
}

/** All tabs share one time: who works in one has not left the others. */
function mark(last: { current: number }) {
  last.current = Date.now();
  localStorage.setItem(KEY, String(last.current));
}

function lastSign(last: { current: number }): number {
  return Math.max(last.current, Number(localStorage.getItem(KEY) ?? 0));
}
