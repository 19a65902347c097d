"""The check for failures: what the embedded workspace does not do it says with status 501, which is no failure."""

import schemathesis


@schemathesis.check
def no_failure(ctx, response, case):
    if response.status_code >= 500 and response.status_code != 501:
        raise AssertionError(f"status {response.status_code}: {response.text[:500]}")
