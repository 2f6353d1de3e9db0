"""Addresses for tests/schemathesis: those that are known, and new ones that mail can reach; and mails as they are.

What the format `email` allows in general is mostly refused, so requests with it would not get far."""

import schemathesis
from hypothesis import strategies

KNOWN = ["jane@buyer.example", "bo@buyer.example", "rep1@ours.example", "rep2@ours.example", "manager@ours.example"]
NEW = strategies.from_regex(r"[a-z0-9]{1,12}@[a-z0-9]{1,12}\.example", fullmatch=True)

schemathesis.openapi.format("email", strategies.sampled_from(KNOWN) | NEW)

# The body is the mail itself.
schemathesis.serializer.alias("message/rfc822", "application/octet-stream")
