// A third-party authorization server: oidc-provider, on a free port of the loopback address. It logs every user in as "alice" without a
// prompt. It prints its issuer.
import http from 'node:http';
import Provider from 'oidc-provider';

const device = 'urn:ietf:params:oauth:grant-type:device_code';
const server = http.createServer();
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: 'public', token_endpoint_auth_method: 'none', application_type: 'native',
        redirect_uris: ['http://127.0.0.1/callback'], response_types: ['code'], grant_types: ['authorization_code', 'refresh_token', device],
      },
      {
        client_id: 'confidential', client_secret: 'a secret: with "odd" & characters', token_endpoint_auth_method: 'client_secret_basic', application_type: 'native',
        redirect_uris: ['http://127.0.0.1/callback'], response_types: ['code'], grant_types: ['authorization_code', 'refresh_token'],
      },
      {
        client_id: 'machine', client_secret: 'a secret of a machine', token_endpoint_auth_method: 'client_secret_post',
        redirect_uris: [], response_types: [], grant_types: ['client_credentials'],
      },
    ],
    pkce: { required: () => true },
    rotateRefreshToken: true,
    issueRefreshToken: () => true,
    ttl: { AccessToken: 3600, IdToken: 3600, RefreshToken: 86400, DeviceCode: 600, Grant: 86400, Interaction: 600, Session: 600 },
    features: {
      devInteractions: { enabled: false },
      revocation: { enabled: true },
      clientCredentials: { enabled: true },
      // A token for a resource (RFC 8707) is a JWT, so that a test can read its audience.
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (ctx, resource) => ({ scope: 'read write', audience: resource, accessTokenTTL: 3600, accessTokenFormat: 'jwt' }),
      },
      deviceFlow: {
        enabled: true,
        userCodeInputSource: (ctx, form, out, err) => { ctx.body = form + (err ? `<p>${err.message}</p>` : ''); },
        userCodeConfirmSource: (ctx, form) => { ctx.body = form; },
        successSource: (ctx) => { ctx.body = 'approved'; },
      },
    },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    cookies: { keys: ['a key for cookies of tests'] },
  });
  const handle = provider.callback();
  server.on('request', async (request, response) => {
    if (!request.url.startsWith('/interaction/')) {
      handle(request, response);
      return;
    }
    const { prompt, params, session, grantId } = await provider.interactionDetails(request, response);
    let result = { login: { accountId: 'alice' } };
    if (prompt.name === 'consent') {
      const grant = grantId ? await provider.Grant.find(grantId) : new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
      grant.addOIDCScope((prompt.details.missingOIDCScope ?? []).join(' '));
      result = { consent: { grantId: await grant.save() } };
    }
    await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: true });
  });
  console.log(`issuer ${issuer}`);
});
