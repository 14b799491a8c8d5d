/** The actions of the trail as people read them. */
import type { paths } from "../../schema";

type Action = NonNullable<NonNullable<paths["/api/audit"]["get"]["parameters"]["query"]>["action"]>;

/** Every action there is: the compiler misses the one that a newer server has. */
export const ACTIONS: Record<Action, string> = {
  "upload.begin": "Begin an upload",
  "upload.confirm": "Complete an upload",
  "upload.sign_parts": "Get addresses for parts",
  "upload.read": "See which parts are there",
  "upload.abort": "Give an upload up",
  "upload.receive": "Upload through the server",
  "upload.ticket": "Make an upload ticket",
  "upload.abandon": "End an upload nobody completed",
  "document.read": "Read a document's details",
  "document.list": "List documents",
  "category.suggest": "Ask for a category",
  "limits.read": "Ask what may come in",
  "download.issue": "Get a download link",
  "content.read": "Read a document",
  "preview.read": "See a preview",
  "document.retrieve": "Fetch from the archive",
  "document.edit": "Change a document's details",
  "document.delete": "Move to the trash",
  "document.restore": "Take out of the trash",
  "document.scan": "Scan for malware",
  "document.rescan": "Ask for another scan",
  "document.purge": "Delete for good",
  "content.erase": "Erase the bytes",
  "document.hold": "See or change a legal hold",
  "document.release": "Decide what the patient sees",
  "stats.read": "Read the figures",
  "trail.read": "Read the trail",
  "document.trail": "Read a document's trail",
  "care_team.manage": "Change a care team",
  "care_team.read": "See a care team",
  "session.begin": "Sign in",
  "session.end": "Sign out",
  "session.read": "See who is signed in",
  "session.password": "Change one's own password",
  "setup.complete": "Make the first user",
  "keys.manage": "Manage API keys",
  "users.manage": "Manage users",
  "webhooks.manage": "Manage webhooks",
  "config.read": "See the configuration",
  "self_test.run": "Run the self-test",
  "wire.read": "Read by S3",
  "wire.write": "Write by S3",
  "wire.delete": "Delete by S3",
  "wire.list": "List by S3",
};

const words: Record<string, string> = ACTIONS;

/** Whether what stands in an address is one. */
export const isAction = (text: string | undefined): text is Action => text !== undefined && text in ACTIONS;

export const inWords = (action: string) => words[action] ?? action;
