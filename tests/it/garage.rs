//! Object stores that are not ours: Garage, and moto for the look of AWS S3. Buckets of a test's
//! own on the ones that `make test` starts, and Garage nodes that a test may end.

use std::fs::File;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region, RequestChecksumCalculation};
use aws_sdk_s3::types::builders::CorsRuleBuilder;
use aws_sdk_s3::types::{
    BucketLifecycleConfiguration, BucketVersioningStatus, CorsConfiguration, CorsRule,
    ExpirationStatus, LifecycleRule, LifecycleRuleFilter, Transition, TransitionStorageClass,
    VersioningConfiguration,
};
use strongroom::config::{Config, S3Config, Source, StoreConfig};
use tempfile::TempDir;
use uuid::Uuid;

use crate::process::{free_port, until, variable};

/// A store and an access key to it that may make buckets.
#[derive(Clone, Debug)]
pub struct Account {
    pub endpoint: String,
    pub region: String,
    pub id: String,
    pub secret: String,
}

impl Account {
    /// The Garage node of the test run.
    pub fn garage() -> Self {
        let all = set_by_make_test("STRONGROOM_TEST_GARAGE");
        let parts: Vec<_> = all.split(',').map(str::to_owned).collect();
        let [endpoint, region, id, secret] = parts.try_into().expect("four words");
        Self { endpoint, region, id, secret }
    }

    /// The moto server of the test run; it takes any key.
    pub fn moto() -> Self {
        Self {
            endpoint: set_by_make_test("STRONGROOM_TEST_MOTO"),
            region: "us-east-1".to_owned(),
            id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
            secret: "a made-up secret".to_owned(),
        }
    }

    /// The same store behind something in between.
    pub fn through(&self, endpoint: &str) -> Self {
        Self { endpoint: endpoint.to_owned(), ..self.clone() }
    }

    /// Somebody else's client of the store.
    pub fn client(&self) -> Client {
        let keys = Credentials::new(&self.id, &self.secret, None, None, "test");
        let time_out = TimeoutConfig::builder().operation_timeout(Duration::from_mins(1)).build();
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(&self.endpoint)
            .region(Region::new(self.region.clone()))
            .credentials_provider(keys)
            .force_path_style(true)
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .retry_config(RetryConfig::standard().with_max_attempts(5))
            .timeout_config(time_out)
            .build();
        Client::from_conf(config)
    }

    /// A new bucket.
    pub async fn bucket(&self) -> Bucket {
        let name = format!("t-{}", Uuid::now_v7().simple());
        let client = self.client();
        let made = client.create_bucket().bucket(&name).send().await;
        made.unwrap_or_else(|e| panic!("no bucket: {e:?}"));
        Bucket { account: self.clone(), client, name }
    }

    /// A new bucket that keeps versions.
    pub async fn versioned_bucket(&self) -> Bucket {
        let bucket = self.bucket().await;
        let on = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
        let put = bucket.client.put_bucket_versioning().bucket(&bucket.name);
        put.versioning_configuration(on).send().await.unwrap();
        bucket
    }
}

fn set_by_make_test(name: &str) -> String {
    variable(name)
        .unwrap_or_else(|| panic!("{name} is set by `make test`, which starts the stores"))
}

/// A bucket of one test.
#[derive(Clone)]
pub struct Bucket {
    pub account: Account,
    pub client: Client,
    pub name: String,
}

impl Bucket {
    /// The variables that make a server use it.
    pub fn variables(&self) -> Vec<(String, String)> {
        [
            ("STORAGE_PROVIDER", "s3"),
            ("AWS_S3_DOCUMENTS_BUCKET_NAME", &self.name),
            ("AWS_REGION", &self.account.region),
            ("AWS_ACCESS_KEY_ID", &self.account.id),
            ("AWS_SECRET_ACCESS_KEY", &self.account.secret),
            ("S3_ENDPOINT", &self.account.endpoint),
            ("S3_FORCE_PATH_STYLE", "true"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }

    /// What the configuration makes of them.
    pub fn config(&self) -> (StoreConfig, S3Config) {
        let variables = self.variables();
        let pairs = variables.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let config = Config::load(Source::from_pairs(pairs)).unwrap();
        let s3 = config.store.s3.clone().expect("an S3 store");
        (config.store, s3)
    }

    /// The same bucket behind something in between; this client still goes straight.
    pub fn through(&self, endpoint: &str) -> Self {
        Self { account: self.account.through(endpoint), ..self.clone() }
    }

    /// Lets pages of these origins upload, as docs/object-stores.md says.
    pub async fn let_pages_in(&self, origins: &[&str]) {
        let rule = CorsRule::builder().expose_headers("ETag").expose_headers("Location");
        self.let_in(rule, origins).await;
    }

    /// The same without the header that uploads in parts need.
    pub async fn let_pages_upload_blindly(&self, origins: &[&str]) {
        self.let_in(CorsRule::builder(), origins).await;
    }

    async fn let_in(&self, rule: CorsRuleBuilder, origins: &[&str]) {
        let rule = rule.allowed_headers("*");
        let rule = ["GET", "PUT", "POST"].iter().fold(rule, |rule, m| rule.allowed_methods(*m));
        let rule = origins.iter().fold(rule, |rule, origin| rule.allowed_origins(*origin));
        let rules = CorsConfiguration::builder().cors_rules(rule.build().unwrap()).build().unwrap();
        let put = self.client.put_bucket_cors().bucket(&self.name).cors_configuration(rules);
        put.send().await.unwrap();
    }

    /// A lifecycle rule as operators set it.
    pub async fn move_to_glacier_after(&self, days: i32) {
        let to = Transition::builder().days(days).storage_class(TransitionStorageClass::Glacier);
        let rule = LifecycleRule::builder().id("old").status(ExpirationStatus::Enabled);
        let rule = rule.filter(LifecycleRuleFilter::builder().prefix("").build());
        let rule = rule.transitions(to.build()).build().unwrap();
        let rules = BucketLifecycleConfiguration::builder().rules(rule).build().unwrap();
        let put = self.client.put_bucket_lifecycle_configuration().bucket(&self.name);
        put.lifecycle_configuration(rules).send().await.unwrap();
    }

    /// Every object's key.
    pub async fn keys(&self) -> Vec<String> {
        let mut pages = self.client.list_objects_v2().bucket(&self.name).into_paginator().send();
        let mut keys = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.unwrap_or_else(|e| panic!("no list: {e:?}"));
            keys.extend(page.contents().iter().filter_map(|o| o.key().map(str::to_owned)));
        }
        keys
    }

    /// Every upload in parts that is neither complete nor aborted: its key and id.
    pub async fn uploads(&self) -> Vec<(String, String)> {
        let listed = self.client.list_multipart_uploads().bucket(&self.name).send().await;
        let listed = listed.unwrap_or_else(|e| panic!("no list: {e:?}"));
        let told = |u: &aws_sdk_s3::types::MultipartUpload| {
            (u.key().unwrap_or_default().to_owned(), u.upload_id().unwrap_or_default().to_owned())
        };
        listed.uploads().iter().map(told).collect()
    }

    /// The bytes of an object, by somebody else's client.
    pub async fn read(&self, key: &str) -> Vec<u8> {
        let got = self.client.get_object().bucket(&self.name).key(key).send().await;
        let got = got.unwrap_or_else(|e| panic!("no {key}: {e:?}"));
        got.body.collect().await.unwrap().to_vec()
    }
}

/// A Garage node of a test's own.
pub struct Node {
    child: Option<Child>,
    folder: TempDir,
    pub account: Account,
}

impl Node {
    pub async fn start() -> Self {
        let random = || Uuid::new_v4().simple().to_string();
        let mut node = Self {
            child: None,
            folder: TempDir::new().unwrap(),
            account: Account {
                endpoint: String::new(),
                region: "garage".to_owned(),
                id: format!("GK{}", &random()[..24]),
                secret: random() + &random(),
            },
        };
        let rpc_secret = random() + &random();
        // Between choosing a port and taking it somebody else may have it.
        for _ in 0..5 {
            node.configure(&rpc_secret);
            if node.launch().await {
                return node;
            }
        }
        panic!("Garage does not start: {}", node.log());
    }

    fn configure(&mut self, rpc_secret: &str) {
        let (port, rpc_port) = (free_port(), free_port());
        let folder = self.folder.path().display();
        let text = format!(
            "metadata_dir = \"{folder}/meta\"\ndata_dir = \"{folder}/data\"\n\
             db_engine = \"sqlite\"\nmetadata_fsync = true\nreplication_factor = 1\n\
             rpc_bind_addr = \"127.0.0.1:{rpc_port}\"\n\
             rpc_public_addr = \"127.0.0.1:{rpc_port}\"\nrpc_secret = \"{rpc_secret}\"\n\
             [s3_api]\ns3_region = \"garage\"\napi_bind_addr = \"127.0.0.1:{port}\"\n"
        );
        std::fs::write(self.folder.path().join("garage.toml"), text).unwrap();
        self.account.endpoint = format!("http://127.0.0.1:{port}");
    }

    fn command(&self) -> Command {
        let mut command = Command::new(set_by_make_test("STRONGROOM_TEST_GARAGE_PROGRAM"));
        command.arg("-c").arg(self.folder.path().join("garage.toml"));
        command.env("GARAGE_DEFAULT_ACCESS_KEY", &self.account.id);
        command.env("GARAGE_DEFAULT_SECRET_KEY", &self.account.secret);
        command.env("RUST_LOG", "garage=warn").stdin(Stdio::null());
        command
    }

    /// Whether it came to answer.
    async fn launch(&mut self) -> bool {
        let log = File::options().create(true).append(true).open(self.log_path()).unwrap();
        let mut command = self.command();
        command.args(["server", "--single-node", "--default-access-key"]);
        command.stdout(log.try_clone().unwrap()).stderr(log);
        self.child = Some(command.spawn().unwrap());
        until("Garage answers or ends", || {
            if self.child.as_mut().unwrap().try_wait().unwrap().is_some() {
                return Some(false);
            }
            let mut asked = self.command();
            asked.args(["key", "info", &self.account.id]);
            let asked = asked.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
            asked.success().then_some(true)
        })
        .await
    }

    /// Ends it as a power cut would.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Starts it again, on the same data and the same port.
    pub async fn restart(&mut self) {
        self.kill();
        assert!(self.launch().await, "Garage does not start again: {}", self.log());
    }

    fn log_path(&self) -> std::path::PathBuf {
        self.folder.path().join("log")
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.log_path()).unwrap_or_default()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}
