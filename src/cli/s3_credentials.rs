//! `strongroom s3-credentials`: for aws, rclone, boto3 and the like against the embedded S3
//! endpoint.

use super::{Done, commit, opened};
use crate::access::Action;
use crate::audit::Subject;
use crate::config::Config;

#[derive(clap::Args)]
pub struct Args {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub async fn run(args: &Args, config: Config) -> Done {
    let opened = opened(config).await?;
    let subject = Subject { kind: Some("s3_credentials"), id: None, patient: None };
    let detail = serde_json::json!({ "show": true });
    let tx = opened.db.begin().await?;
    commit(tx, &opened, Action::ManageKeys, (subject, None), detail).await?;
    let credentials = opened.secrets.s3_credentials();
    let (endpoint, region) = (&opened.config.server.public_url, &opened.config.store.region);
    let bucket = &opened.config.store.bucket;
    let secret = credentials.secret_access_key.reveal();
    if args.json {
        let json = serde_json::json!({
            "endpoint": endpoint, "region": region, "bucket": bucket,
            "accessKeyId": credentials.access_key_id, "secretAccessKey": secret,
        });
        println!("{json}");
    } else {
        println!("export AWS_ENDPOINT_URL={endpoint}");
        println!("export AWS_REGION={region}");
        println!("export AWS_ACCESS_KEY_ID={}", credentials.access_key_id);
        println!("export AWS_SECRET_ACCESS_KEY={secret}");
        println!("# then: aws s3 ls s3://{bucket}/");
    }
    opened.db.close().await;
    Ok(())
}
