"""What every `http` code means, why it matters and how to fix it."""

from __future__ import annotations

from collections.abc import Mapping

from checks.check import Code

HTTP_CODES: Mapping[str, Code] = {
    "http.answers": Code("The service answered with the status and the JSON the page expects, in time."),
    "http.status": Code(
        "The service answered with another status than the page expects.",
        "5xx: it runs and cannot do its work, most often for want of its database. 404: it is another version than the "
        "page is about. 401 or 403: it wants to know who asks.",
        "Look in the service's log at that second, and see what else on this page does not hold.",
    ),
    "http.slow": Code(
        "The whole answer took longer than the page allows.",
        "Whoever waits for this page waits as long, and health checks of the platform may give up before.",
        "Compare with the `connectivity` check: if the database answers in time, it is the service or the way to it.",
    ),
    "http.json_missing": Code(
        "The answer is JSON and has nothing at the path the page names.",
        "The service is of another version, or reports an error in other words.",
        "Ask it by hand with `curl`, and correct the service or the page.",
    ),
    "http.json_differs": Code(
        "A value of the answer is not as the page expects.",
        "The service says of itself that something is wrong, or serves other data than it should.",
        "Ask it by hand with `curl`; the service's log says more.",
    ),
    "http.not_json": Code(
        "The answer is no JSON, though the page expects values in it.",
        "Often it is the error page of a proxy before the service.",
        "Ask by hand with `curl -i`, and look at `content-type` and `server` in the head of the answer.",
    ),
    "http.too_large": Code(
        "The answer is larger than the megabyte that is read of it, so its JSON cannot be judged.",
        "A check should not move that much; whoever serves it to a browser should not either.",
        "Check an endpoint that answers with less, or ask for less with a parameter in `path`.",
    ),
    "http.redirected": Code(
        "The service sends whoever asks to another host or port, from https to http, or round in circles.",
        "Nobody named that address, so it was not asked; credentials meant for one host must not go to another.",
        "If the service has moved, set the variable to its new address. A login page means that the path needs one.",
    ),
    "http.host_not_found": Code(
        "The service's host name does not resolve to an address.",
        "The name is wrong, is known only inside the platform's network, or the service was deleted.",
        "Compare it with the platform's console, and use the public name from outside.",
    ),
    "http.refused": Code(
        "The host is there, and nothing listens on that port.",
        "The service does not run, or listens elsewhere.",
        "Look at the service in its platform, and at the port in the variable.",
    ),
    "http.unreachable": Code(
        "No connection to the service could be made, for the reason the operating system gave.",
        "A firewall, a route or the machine's own network is in the way.",
        "Try from another network, and with `curl -v`.",
    ),
    "http.timeout": Code(
        "The service was asked and did not answer in full in the time allowed.",
        "It hangs, most often waiting for a database connection or a lock, or something on the way drops what is sent.",
        "Look at the service's log and at its connections to the database: `SELECT application_name, state, count(*) "
        "FROM pg_stat_activity GROUP BY 1, 2`.",
    ),
    "http.tls_failed": Code(
        "No encrypted connection could be agreed on, or the certificate is not to be believed.",
        "Browsers and clients that verify refuse the service in the same way.",
        "Renew the certificate, or correct the host in the variable. For an authority of your own, name its file in "
        "`SSL_CERT_FILE`.",
    ),
    "http.broken": Code(
        "What came back is no HTTP, or ended before its end.",
        "Something else listens on that port, or the service, or a proxy before it, died while it answered.",
        "Ask by hand with `curl -v`; look for a restart in the service's log.",
    ),
    "http.no_address": Code(
        "The variable that says where the service is is not set, or holds no address of a web service.",
        "The service was not asked, and that it is well cannot be told.",
        "Set the variable to `https://host`, in the environment or in the file that `--env-file` names.",
    ),
}
