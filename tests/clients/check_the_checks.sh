#!/usr/bin/env bash
# Runs the client checks against moto's S3, to see that they ask what S3 does and nothing else.
# moto is more lenient than S3: what it lets pass is skipped here, by name, and nowhere else.
#
#     tests/clients/check_the_checks.sh PYTHON
set -euo pipefail
cd "$(dirname "$0")"
python=${1:-python3}
work=$(mktemp -d)
export PYTHONDONTWRITEBYTECODE=1
export AWS_ACCESS_KEY_ID=AKIACHECKCHECKCHECK0 AWS_SECRET_ACCESS_KEY=check
port=$("$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
"$python" -m moto.server -H 127.0.0.1 -p "$port" >"$work/moto.log" 2>&1 &
moto=$!
trap 'kill "$moto" 2>/dev/null || true; rm -rf "$work"' EXIT

endpoint=http://127.0.0.1:$port
"$python" - "$endpoint" <<'PY'
import sys
import boto3
from botocore.config import Config

retry = Config(retries={"total_max_attempts": 10, "mode": "standard"})
s3 = boto3.client("s3", endpoint_url=sys.argv[1], region_name="eu-west-1", config=retry)
s3.create_bucket(Bucket="room", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
s3.put_bucket_versioning(Bucket="room", VersioningConfiguration={"Status": "Enabled"})
PY

# No signature, expiry or policy is looked at, hardly any checksum, few limits.
lenient=$(tr -s ' \n' ',' <<'NAMES' | sed 's/,$//'
too_much_user_metadata very_long_keys delete_leaves_a_marker_and_undelete_works delete_many
copy_conditions nobody_is_refused wrong_credentials_are_refused
list_v2_pages list_pages_with_delimiter list_v1_pages list_more_than_one_page_of_keys
multipart_abort multipart_wrong_parts checksum_of_a_put wrong_checksum_of_a_put
malformed_checksum_of_a_put checksum_of_parts checksum_of_the_whole_in_parts
presigned_get_with_response_headers presigned_put_with_every_header
presigned_put_with_other_bytes presigned_put_with_other_headers presigned_urls_expire
presigned_urls_of_tomorrow presigned_urls_last_a_week_at_most tampered_presigned_urls
old_signed_requests presigned_parts post_form post_form_answers_as_asked post_form_size_range
post_form_starts_with post_form_tampered post_form_expires post_without_signature
NAMES
)
where=(--endpoint "$endpoint" --bucket room --region eu-west-1)
"$python" boto3_check.py "${where[@]}" --skip "$lenient"
"$python" aws_check.py "${where[@]}"
"$python" rclone_check.py "${where[@]}" --skip wrong_secret
