/** Something that is shown this once: a new key, a made password. Nothing but its button closes it, since it is gone then. */
import { Alert, Button, Code, CopyButton, Group, Modal, Stack, Text } from "@mantine/core";

export function Secret({ what, text, onClose }: { what: string; text: string | undefined; onClose: () => void }) {
  return (
    <Modal opened={text !== undefined} onClose={onClose} title={what} closeOnClickOutside={false} closeOnEscape={false} withCloseButton={false} centered>
      <Stack>
        <Alert color="yellow">It is shown this once and cannot be read again.</Alert>
        <Code block style={{ overflowWrap: "anywhere", whiteSpace: "pre-wrap" }}>{text}</Code>
        <Group justify="space-between">
          <Text size="sm" c="dimmed">Keep it where secrets are kept.</Text>
          <Group gap="xs">
            <CopyButton value={text ?? ""}>
              {({ copied, copy }) => <Button variant="light" onClick={copy}>{copied ? "Copied" : "Copy"}</Button>}
            </CopyButton>
            <Button onClick={onClose}>Done</Button>
          </Group>
        </Group>
      </Stack>
    </Modal>
  );
}
