namespace Exporter.Web;

/// <summary>What the words on the pages mean, and how to log in. In the program, because a home network may have no other documentation.</summary>
internal static class HelpPage
{
    public static void MapHelp(this IEndpointRouteBuilder routes, WebOptions options) =>
        routes.MapMethods("/help", [HttpMethods.Get, HttpMethods.Head], () => Layout.Page(StatusCodes.Status200OK, "Help · Exporter", "", $"""
            <section class="card text">
            <h1>Help</h1>
            <h2>States of an account</h2>
            <dl>
            <dt>OK</dt><dd>The token works and the last reading succeeded.</dd>
            <dt>Login needed</dt><dd>There is no token, or the provider rejected it for certain. Log in again; the card shows how.</dd>
            <dt>Waiting for login</dt><dd>A login is in progress, or the exporter logs in with the configured credentials.</dd>
            <dt>Credentials rejected</dt><dd>The provider rejected the client ID, the client secret or a scope. The token is kept.
            Fix the configuration.</dd>
            <dt>Renewal failed</dt><dd>The provider did not respond as expected. The token is kept, and the exporter tries again.</dd>
            <dt>Reading failed</dt><dd>The token works, but the last reading did not succeed. The exporter tries again.</dd>
            <dt>Access not granted</dt><dd>The login lacks a scope. Log in again and grant access to everything.</dd>
            <dt>Token not saved</dt><dd>The token is in memory only. Make its file writable; the exporter tries again.</dd>
            <dt>Token unreadable</dt><dd>The token file exists and cannot be read. Fix its permissions.</dd>
            </dl>
            <h2>Log in from another machine</h2>
            <p>Tell the exporter the address that your browser uses: start it with <code>--external-url http://HOST:9210</code>, or set
            <code>external_url</code> in the configuration file. If the provider redirects you back, register
            <code>http://HOST:9210/auth/callback</code> there.</p>
            <p>The first login of an account is open to your private network. To replace a login, open a one-time link: run
            <code>oauth-exporter login-link ACCOUNT</code> on the exporter's machine.</p>
            <h2>For programs</h2>
            <ul>
            <li><a href="{options.TelemetryPath[1..]}">Metrics</a> for Prometheus</li>
            <li><a href="api/status">Status as JSON</a> for scripts and home automation</li>
            <li><code>/-/healthy</code>, <code>/-/ready</code> and <code>/healthz</code> for health checks</li>
            <li><code>oauth-exporter token ACCOUNT</code> prints a valid access token</li>
            <li><code>oauth-exporter help</code> lists all commands and settings</li>
            </ul>
            </section>
            """));
}
