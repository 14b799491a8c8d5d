"""Checks an S3 endpoint with boto3, the client that most programs use.

    AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=… \\
        python tests/clients/boto3_check.py --endpoint URL --bucket B --region R
"""

# The order of the imports is the order of the checks.
import s3_objects  # noqa: F401
import s3_listing  # noqa: F401
import s3_multipart  # noqa: F401
import s3_presign  # noqa: F401
from common import run

if __name__ == "__main__":
    run(__doc__)
