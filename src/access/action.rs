//! Everything a caller can do, with the stable name the trail and the policy use for it.
//!
//! Invariant: names are never changed or reused; the trail holds them for years.

use std::fmt;

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident => $text:literal),* $(,)?) => {
        /// Something a caller does.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Action {
            $($(#[$doc])* $name,)*
        }

        impl Action {
            /// Every action.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The name in the trail and in policy files.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

actions! {
    /// Ask for a place to upload to.
    BeginUpload => "upload.begin",
    /// Say that an upload is complete.
    ConfirmUpload => "upload.confirm",
    /// Get the URLs of some parts of an upload.
    SignParts => "upload.sign_parts",
    /// See which parts of an upload are there.
    ReadUpload => "upload.read",
    /// Give an upload up.
    AbortUpload => "upload.abort",
    /// Send the bytes of an upload through the server.
    ReceiveUpload => "upload.receive",
    /// Make a ticket for uploads.
    IssueTicket => "upload.ticket",
    /// End an upload that nobody completed in time (upkeep).
    AbandonUpload => "upload.abandon",
    /// See a document's metadata.
    ReadDocument => "document.read",
    /// List documents.
    ListDocuments => "document.list",
    /// Ask which category a file name speaks for.
    SuggestCategory => "category.suggest",
    /// Ask what may come in, and how large.
    ReadLimits => "limits.read",
    /// Get a link to a document's bytes.
    IssueDownload => "download.issue",
    /// Get a document's bytes through the server.
    ReadContent => "content.read",
    /// See a picture of a document.
    ReadPreview => "preview.read",
    /// Ask for a readable copy of a document in an archive.
    RetrieveDocument => "document.retrieve",
    /// Change a document's metadata.
    EditDocument => "document.edit",
    /// Move a document to the trash.
    DeleteDocument => "document.delete",
    /// Bring a document back from the trash.
    RestoreDocument => "document.restore",
    /// Scan a document for malware (upkeep).
    ScanDocument => "document.scan",
    /// Ask for a document to be scanned again.
    RescanDocument => "document.rescan",
    /// Decide that a document's bytes are destroyed.
    PurgeDocument => "document.purge",
    /// Destroy the bytes of a purged document (the server itself, after that decision).
    EraseContent => "content.erase",
    /// Put a document under legal hold, see why it is, lift it.
    HoldDocument => "document.hold",
    /// Decide whether the patient may see a document.
    ReleaseDocument => "document.release",
    /// Read the figures of the clinic's documents.
    ReadStats => "stats.read",
    /// Read the trail of the clinic, and reports on it.
    ReadTrail => "trail.read",
    /// Read the trail of one document.
    ReadDocumentTrail => "document.trail",
    /// Change who cares for a patient.
    ManageCareTeam => "care_team.manage",
    /// See who cares for a patient.
    ReadCareTeam => "care_team.read",
    /// Sign in to the pages.
    LogIn => "session.begin",
    /// Sign out.
    LogOut => "session.end",
    /// See who one is signed in as.
    ReadSession => "session.read",
    /// Change one's own password.
    ChangePassword => "session.password",
    /// Make the first user.
    SetUp => "setup.complete",
    /// Make, list and revoke API keys.
    ManageKeys => "keys.manage",
    /// Add, list and disable users.
    ManageUsers => "users.manage",
    /// Make, list, change and remove webhooks.
    ManageWebhooks => "webhooks.manage",
    /// See what is configured (nothing secret).
    ReadConfig => "config.read",
    /// Have the installation try its store, database and scanner.
    RunSelfTest => "self_test.run",
    /// Read an object through the embedded S3 endpoint.
    WireRead => "wire.read",
    /// Write an object through the embedded S3 endpoint.
    WireWrite => "wire.write",
    /// Delete an object through the embedded S3 endpoint.
    WireDelete => "wire.delete",
    /// List objects through the embedded S3 endpoint.
    WireList => "wire.list",
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_actions_share_a_name() {
        let names: std::collections::BTreeSet<_> =
            Action::ALL.iter().map(|action| action.as_str()).collect();
        assert_eq!(names.len(), Action::ALL.len());
    }
}
