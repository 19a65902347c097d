"""The official Python SDK with a login that is stored: uses it, or stores it anew, and prints whose it is.

Arguments: the host; `save` to store the login again in the SDK's own words. A browser is never opened.
"""

import sys
import webbrowser

from databricks.sdk import WorkspaceClient
from databricks.sdk import oauth


def no_browser(url, *_):
    raise SystemExit(f"a browser was wanted: {url}")


webbrowser.open = no_browser
webbrowser.open_new = no_browser
oauth.webbrowser.open_new = no_browser

host = sys.argv[1]
client = WorkspaceClient(host=host, auth_type="external-browser")
print(client.current_user.me().user_name)

if "save" in sys.argv[2:]:
    cache = oauth.TokenCache(
        host=client.config.host,
        oidc_endpoints=client.config.databricks_oidc_endpoints,
        client_id="databricks-cli",
        redirect_url="http://localhost:8020",
        scopes=["all-apis", "offline_access"],
    )
    had = cache.load().token()
    # What the SDK makes of a response: local time without a zone.
    local = had.expiry.astimezone().replace(tzinfo=None)
    token = oauth.Token(had.access_token, had.token_type, had.refresh_token, local)
    endpoint = client.config.databricks_oidc_endpoints.token_endpoint
    cache.save(oauth.SessionCredentials(token=token, token_endpoint=endpoint, client_id="databricks-cli"))
    print(cache.filename)
