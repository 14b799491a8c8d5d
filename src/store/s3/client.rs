//! The SDK's client: time-outs, retries, checksums.
//!
//! Checksums are set where they are wanted and nowhere else: the SDK's own go into trailers that
//! many stores do not take. Clock skew is not papered over, for a presigned URL could not be.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Config, IdentityCache, Region, RequestChecksumCalculation,
    ResponseChecksumValidation, SharedCredentialsProvider, StalledStreamProtectionConfig,
};

use super::credentials::Keys;
use super::place::Place;

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(3);
/// How long an ordinary call may take with all its repetitions: who waits for an answer, and the
/// proxies on the way, have less patience than a minute.
const WHOLE: Duration = Duration::from_secs(30);
/// How long an ordinary call may wait for the head of its answer.
const ORDINARY: Duration = Duration::from_secs(20);
/// The same for calls that make the store work (complete, copy). Not for bodies that come: those
/// only must not stall.
const LONG: Duration = Duration::from_mins(5);
/// The slowest way to the store that is waited for, bytes a second.
const SLOWEST_WAY: u64 = 256 * 1024;
/// How long a body may take that is passed on while it comes.
const SLOWEST: Duration = Duration::from_hours(1);
/// How long a body may stand still.
const STALL: Duration = Duration::from_secs(20);
/// How often a call is made at most, with jitter between.
const ATTEMPTS: u32 = 3;

/// Two clients that differ in their patience.
#[derive(Clone, Debug)]
pub(super) struct Clients {
    pub ordinary: Client,
    pub long: Client,
}

impl Clients {
    pub fn new(place: &Place, keys: Arc<Keys>) -> Self {
        let ordinary = config(place, keys);
        let long = ordinary.to_builder().timeout_config(timeouts(LONG)).build();
        Self { ordinary: Client::from_conf(ordinary), long: Client::from_conf(long) }
    }
}

fn config(place: &Place, keys: Arc<Keys>) -> Config {
    let mut config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(place.region.clone()))
        .credentials_provider(SharedCredentialsProvider::new(KeysProvider(keys)))
        // The keys are kept, watched and replaced in one place: ours.
        .identity_cache(IdentityCache::no_cache())
        .force_path_style(place.path_style)
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        .disable_clock_skew_correction(true)
        .disable_s3_express_session_auth(true)
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
        .stalled_stream_protection(
            StalledStreamProtectionConfig::enabled().grace_period(STALL).build(),
        )
        .timeout_config(timeouts(ORDINARY).to_builder().operation_timeout(WHOLE).build());
    config.set_endpoint_url(place.endpoint.clone());
    config.build()
}

/// For a body of this many bytes that is held in memory: as long as it may take, and no longer, for
/// a store that is silent is asked three times.
pub(super) fn sending(size: u64) -> aws_sdk_s3::config::Builder {
    let patience = ORDINARY + Duration::from_secs(size / SLOWEST_WAY);
    Config::builder().timeout_config(timeouts(patience))
}

/// For one call of a check or of a trial: no retries, a short while.
pub(super) fn at_once(patience: Duration) -> aws_sdk_s3::config::Builder {
    Config::builder().retry_config(RetryConfig::disabled()).timeout_config(timeouts(patience))
}

/// For a body that comes as slowly as its sender likes; it only must not stall.
pub(super) fn patient() -> aws_sdk_s3::config::Builder {
    Config::builder().timeout_config(timeouts(SLOWEST))
}

fn timeouts(patience: Duration) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT.min(patience))
        .read_timeout(patience)
        .operation_attempt_timeout(patience)
        .disable_operation_timeout()
        .build()
}

/// The keys as the SDK asks for them.
#[derive(Debug)]
struct KeysProvider(Arc<Keys>);

impl aws_sdk_s3::config::ProvideCredentials for KeysProvider {
    fn provide_credentials<'a>(
        &'a self,
    ) -> aws_credential_types::provider::future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        use aws_credential_types::provider::error::CredentialsError;
        use aws_credential_types::provider::future::ProvideCredentials as Ready;
        let missing = || CredentialsError::not_loaded("there are no credentials");
        Ready::ready(
            self.0.current().map(|signing| signing.credentials.clone()).ok_or_else(missing),
        )
    }
}
