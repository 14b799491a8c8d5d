//! Why a bucket cannot be used, in words for the person who can change it: what is wrong, what
//! would be right, which variable says so.
//!
//! This never names a secret; an access key's id is no secret, but is not repeated either.

use std::sync::Arc;

use super::errors::{Failure, Trouble};
use super::place::Place;
use crate::time::Timestamp;

/// The reason for a failure of something that needs `permission`.
pub(super) fn reason(
    failure: &Failure,
    place: &Place,
    permission: &str,
    now: Timestamp,
) -> Arc<str> {
    let (bucket, region, at) = (&place.bucket, &place.region, place.endpoint_name());
    let text = match failure.trouble() {
        Trouble::UnknownKey => format!(
            "The store at {at} does not know the access key. AWS_ACCESS_KEY_ID must be a key that \
             exists there and is active."
        ),
        Trouble::WrongSecret => format!(
            "The store at {at} does not accept the signature: the secret does not belong to the \
             access key. AWS_SECRET_ACCESS_KEY must be the secret of the key in \
             AWS_ACCESS_KEY_ID, without spaces or line breaks inside."
        ),
        Trouble::ExpiredToken => "The temporary credentials have expired or their token is \
                                  wrong. Set fresh AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and \
                                  AWS_SESSION_TOKEN together, or use a role, whose credentials \
                                  renew themselves."
            .to_owned(),
        Trouble::NoBucket => format!(
            "The bucket {bucket} does not exist at {at}. AWS_S3_DOCUMENTS_BUCKET_NAME must name an \
             existing bucket; create it first."
        ),
        Trouble::OtherRegion => other_region(failure, place),
        Trouble::AccessDenied => format!(
            "Access to the bucket {bucket} is denied. The keys are known, but must be allowed \
             {permission}; see the bucket's policy and that of the user or role.{}",
            said(failure)
        ),
        Trouble::Skew => skew(failure, now),
        Trouble::Unreachable => {
            let way = failure.way.as_deref().unwrap_or("no answer");
            let variable = if place.endpoint.is_some() { "S3_ENDPOINT" } else { "AWS_REGION" };
            format!(
                "The store at {at} cannot be reached: {way}. Check {variable}, the network and \
                 whether the store is up."
            )
        }
        Trouble::Busy => format!(
            "The store at {at} answers that it cannot serve the bucket {bucket} now (HTTP {}).{}",
            failure.status.unwrap_or(0),
            said(failure)
        ),
        Trouble::Other if failure.status == Some(404) => format!(
            "What answers at {at} does not answer as S3 does (HTTP 404 without NoSuchBucket). \
             S3_ENDPOINT must be the address of the store's S3 interface."
        ),
        Trouble::Other => format!(
            "The store at {at} refused a request for the bucket {bucket} in region {region} \
             (HTTP {}, {}).{}",
            failure.status.unwrap_or(0),
            if failure.code().is_empty() { "no code" } else { failure.code() },
            said(failure)
        ),
    };
    text.into()
}

/// What the store itself says, cut to a sentence's length.
fn said(failure: &Failure) -> String {
    let Some(message) = &failure.message else { return String::new() };
    let short: String = message.chars().filter(|c| !c.is_control()).take(200).collect();
    format!(" The store says: {short}")
}

fn other_region(failure: &Failure, place: &Place) -> String {
    let (bucket, region) = (&place.bucket, &place.region);
    match failure.expected_region() {
        Some(right) if right != *region => format!(
            "The bucket {bucket} is in the region {right}, but AWS_REGION is {region}. Set \
             AWS_REGION={right}."
        ),
        _ => format!(
            "The bucket {bucket} is not in the region {region} that AWS_REGION names, or not at \
             this endpoint. AWS_REGION must be the bucket's own region.{}",
            said(failure)
        ),
    }
}

fn skew(failure: &Failure, now: Timestamp) -> String {
    let by = match failure.date {
        Some(date) => {
            let seconds = now.seconds() - date.seconds();
            let side = if seconds < 0 { "behind" } else { "ahead of" };
            format!("is {} seconds {side} the store's", seconds.abs())
        }
        None => "differs from the store's by more than it accepts".to_owned(),
    };
    format!(
        "This machine's clock {by}; signed requests are refused beyond 15 minutes. Set the clock \
         (NTP); no configuration of Strongroom changes this."
    )
}
