"""What botocore signs for CloudFront, to compare with: makes a new RSA key, signs a few downloads
and prints everything as JSON.

It puts the resource together by itself (urllib), so that the encoding is checked as well. The hash
is SHA-256, which the signed URL then has to name (botocore leaves the hash to its caller).
"""

import json
from datetime import datetime, timezone
from urllib.parse import quote

from botocore.signers import CloudFrontSigner
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

DISTRIBUTION = "https://d111111abcdef8.cloudfront.net"
KEY_PAIR = "K2JCJMDEHXQW5F"
NOW = 1_767_323_945

CASES = [
    {"key": "a.pdf", "expires": 60},
    {"key": "patients/0b/2026/01/x.pdf", "version": "3/L4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY", "expires": 1},
    {
        "key": "folder ü/it's (1)+~*&=?#%.dcm",
        "version": "null",
        "type": "application/dicom",
        "disposition": "attachment; filename=\"R_n.dcm\"; filename*=UTF-8''R%C3%B6n.dcm",
        "expires": 900,
    },
    {"key": "no/version.txt", "type": "text/plain; charset=utf-8", "expires": 3600},
]


def resource(case):
    url = f"{DISTRIBUTION}/{quote(case['key'], safe='/~')}"
    query = [
        ("response-content-type", case.get("type")),
        ("response-content-disposition", case.get("disposition")),
        ("versionId", case.get("version")),
    ]
    given = "&".join(f"{name}={quote(value, safe='~')}" for name, value in query if value)
    return f"{url}?{given}" if given else url


def main():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    signer = CloudFrontSigner(
        KEY_PAIR, lambda message: key.sign(message, padding.PKCS1v15(), hashes.SHA256())
    )
    for case in CASES:
        until = datetime.fromtimestamp(NOW + case["expires"], tz=timezone.utc)
        signed = signer.generate_presigned_url(resource(case), date_less_than=until)
        case["url"] = f"{signed}&Hash-Algorithm=SHA256"

    def pem(form):
        plain = serialization.NoEncryption()
        return key.private_bytes(serialization.Encoding.PEM, form, plain).decode()

    told = {
        "distribution": DISTRIBUTION,
        "keyPair": KEY_PAIR,
        "now": NOW,
        "pkcs1": pem(serialization.PrivateFormat.TraditionalOpenSSL),
        "pkcs8": pem(serialization.PrivateFormat.PKCS8),
        "cases": CASES,
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
