"""Word a notice for its receiver: both and its secret in, an HTTP request out. Pure.

The forges' interfaces are those of their documentation: GitHub's REST "Create a commit status",
GitLab's "Set the pipeline status of a commit", Gitea's and Forgejo's "Create a commit status".
"""

from __future__ import annotations

import hashlib
import hmac
import json
import urllib.parse

from manifests.sync import Provider
from manifests.value import Value
from reconciler.notify.notice import State

TYPE_CHECKING = False
if TYPE_CHECKING:
    from manifests.sync import CommitStatus, Receiver
    from reconciler.notify.notice import Notice

LONGEST_WORDS = 140
"""Characters that GitHub takes of a description."""
DEFAULT_URLS = {Provider.GITHUB: "https://api.github.com", Provider.GITLAB: "https://gitlab.com"}
_GITLAB = {State.FAILURE: "failed"}


class Request(Value):
    """A POST. The headers may hold a token, so nobody shows one."""

    url: str
    headers: dict[str, str]
    body: bytes

    def __repr__(self) -> str:
        return f"Request({self.url})"


def worded(notice: Notice, receiver: Receiver, secret: bytes) -> Request:
    """Return the request that tells `receiver` of the notice."""
    if receiver.commit_status is not None:
        return _status(notice, receiver.commit_status, secret.decode(errors="replace").strip())
    url = receiver.webhook.url if receiver.webhook is not None else ""
    body = _dumps(
        {
            "sync": notice.sync,
            "host": notice.host,
            "commit": notice.commit,
            "state": notice.state,
            "reason": notice.reason,
            "message": notice.message,
            "time": notice.at,
        }
    )
    signature = hmac.new(secret.strip(), body, hashlib.sha256).hexdigest()
    headers = {"X-Signature": f"sha256={signature}", "Webhook-Id": notice.id}
    return Request(url=url, headers=_headers(headers), body=body)


def _status(notice: Notice, wanted: CommitStatus, token: str) -> Request:
    base = (wanted.url or DEFAULT_URLS.get(wanted.provider, "")).rstrip("/")
    context = wanted.context or f"podpy/{notice.host}/{notice.sync}"
    said = f"{notice.reason}: {notice.message}"[:LONGEST_WORDS]
    body = {"state": notice.state, "context": context, "description": said}
    match wanted.provider:
        case Provider.GITHUB:
            url = f"{base}/repos/{wanted.repository}/statuses/{notice.commit}"
            headers = {
                "Authorization": f"Bearer {token}",
                "Accept": "application/vnd.github+json",
                "X-GitHub-Api-Version": "2022-11-28",
            }
        case Provider.GITLAB:
            project = urllib.parse.quote(wanted.repository, safe="")
            url = f"{base}/api/v4/projects/{project}/statuses/{notice.commit}"
            headers = {"PRIVATE-TOKEN": token}
            body["state"] = _GITLAB.get(notice.state, str(notice.state))
        case Provider.GITEA | Provider.FORGEJO:
            url = f"{base}/api/v1/repos/{wanted.repository}/statuses/{notice.commit}"
            headers = {"Authorization": f"token {token}"}
    return Request(url=url, headers=_headers(headers), body=_dumps(body))


def _headers(more: dict[str, str]) -> dict[str, str]:
    return {"Content-Type": "application/json", "User-Agent": "podpy", **more}


def _dumps(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
