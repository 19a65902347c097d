// The certified oidc-provider under the platform's paths, with one protected resource.
//
// Prints the port on its first line and ends with its standard input. Variables: METADATA=1 for a host that describes itself.

import { createServer } from 'node:http';
import { once } from 'node:events';
import { Provider } from 'oidc-provider';

const server = createServer();
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const origin = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(`${origin}/oidc`, {
  clients: [
    {
      client_id: 'sp-1',
      client_secret: 'the right secret: 100% & more',
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
      scope: 'all-apis sql',
    },
    {
      client_id: 'databricks-cli',
      token_endpoint_auth_method: 'none',
      application_type: 'native',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      redirect_uris: ['http://localhost'],
      scope: 'offline_access all-apis',
    },
  ],
  scopes: ['offline_access', 'all-apis', 'sql', 'jobs'],
  features: { clientCredentials: { enabled: true }, devInteractions: { enabled: true } },
  findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  issueRefreshToken: () => true,
  rotateRefreshToken: true,
  pkce: { required: () => true },
  routes: { authorization: '/v1/authorize', token: '/v1/token' },
  ttl: { AccessToken: 3600, ClientCredentials: 3600, Grant: 86400, Interaction: 600, RefreshToken: 86400, Session: 86400 },
});

const oauth = provider.callback();
const counts = { tokens: 0, refused: 0 };

/** The identity behind a bearer token, if it is a token of this server that still lives. */
async function whose(authorization = '') {
  const value = authorization.replace(/^Bearer /, '');
  const token = (await provider.ClientCredentials.find(value)) ?? (await provider.AccessToken.find(value));
  return token?.isValid ? token : undefined;
}

function json(response, status, body) {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

server.on('request', async (request, response) => {
  const path = request.url.split('?')[0];
  if (path === '/.well-known/databricks-config') {
    return process.env.METADATA === '1'
      ? json(response, 200, { oidc_endpoint: `${origin}/oidc`, workspace_id: '4711', cloud: 'AWS', host_type: 'workspace' })
      : json(response, 404, { error_code: 'NOT_FOUND', message: 'no metadata here' });
  }
  if (path === '/api/2.0/preview/scim/v2/Me') {
    const token = await whose(request.headers.authorization);
    if (token) return json(response, 200, { id: '1', userName: token.accountId ?? token.clientId });
    counts.refused += 1;
    return json(response, 401, { error_code: 'UNAUTHENTICATED', message: 'Credential was not sent or has expired' });
  }
  if (path === '/test/expire') {
    const token = await whose(request.headers.authorization);
    await token?.destroy();
    return json(response, 200, {});
  }
  if (path === '/test/counts') return json(response, 200, counts);
  if (!path.startsWith('/oidc/')) return json(response, 404, {});
  if (path === '/oidc/v1/token') counts.tokens += 1;
  // Mounted by hand: the provider finds its own prefix by comparing the two.
  request.originalUrl = request.url;
  request.url = request.url.slice('/oidc'.length).replace('oauth-authorization-server', 'openid-configuration');
  if (request.url !== request.originalUrl.slice('/oidc'.length)) request.originalUrl = `/oidc${request.url}`;
  oauth(request, response);
});

process.stdin.on('end', () => process.exit(0)).resume();
console.log(origin);
