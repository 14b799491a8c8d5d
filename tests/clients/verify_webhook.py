"""Checks messages as a receiver does, with the reference library of Standard Webhooks.

Reads one JSON document from the standard input: {"cases": [{"secret", "headers", "body"}, …]}.
Prints one word a case: "ok", or the reason for which the library refused it.
"""

import json
import sys

from standardwebhooks import Webhook


def main():
    for case in json.load(sys.stdin)["cases"]:
        try:
            Webhook(case["secret"]).verify(case["body"], case["headers"])
            print("ok")
        except Exception as e:  # noqa: BLE001 - each kind of refusal is told
            print(e)


main()
