"""reconciler.notify.notice and .requests: what is news to whom, and how each is told."""

from __future__ import annotations

import hashlib
import hmac
import json

import pytest

from manifests.sync import CommitStatus, NotifyWebhook, Provider, Receiver
from reconciler.notify import notice, requests
from reconciler.notify.notice import Mailboxes, Notice, State
from reconciler.syncs.status import Outcome

HOOK = Receiver(webhook=NotifyWebhook(url="https://x.example/in?a=b", secret_file="/s"))


def told(state: State = State.SUCCESS, commit: str = "c1", reason: str = "Ready") -> Notice:
    return Notice(
        sync="shop", host="web-1", commit=commit, state=state, reason=reason, message="m", at=1.0
    )


def forge(provider: Provider, url: str = "") -> Receiver:
    status = CommitStatus(provider=provider, repository="a/b", token_file="/t", url=url)
    return Receiver(commit_status=status)


def waiting(boxes: Mailboxes, receiver: Receiver) -> list[str]:
    return [one.key for one in boxes.of(notice.receiver_name(receiver)).waiting]


def test_what_is_no_news_is_not_queued_again() -> None:
    boxes = notice.queued(Mailboxes(), [HOOK], told())
    box = boxes.of(notice.receiver_name(HOOK))
    empty = boxes.put(notice.sent(box, box.waiting[0]))

    assert waiting(boxes, HOOK) == ["c1 success Ready"]
    assert waiting(notice.queued(empty, [HOOK], told().replace(at=9.0)), HOOK) == []
    assert waiting(notice.queued(empty, [HOOK], told(State.FAILURE, reason="Failed")), HOOK)
    assert notice.queued(boxes, [], told()).boxes == ()


def test_what_waits_of_a_commit_is_overtaken() -> None:
    boxes = notice.queued(Mailboxes(), [HOOK], told(State.PENDING, reason="Progressing"))
    boxes = notice.queued(boxes, [HOOK], told())
    boxes = notice.queued(boxes, [HOOK], told(commit="c2"))

    assert waiting(boxes, HOOK) == ["c1 success Ready", "c2 success Ready"]


def test_a_forge_hears_nothing_of_a_source_that_is_away() -> None:
    away = told(State.FAILURE, "", "SourceUnreachable")
    github = forge(Provider.GITHUB)
    boxes = notice.queued(Mailboxes(), [HOOK, github], away)

    assert waiting(boxes, HOOK) == [" failure SourceUnreachable"]
    assert waiting(boxes, github) == []


def test_attempts_are_put_off_longer_and_longer_and_end() -> None:
    box = notice.queued(Mailboxes(), [HOOK], told()).of(notice.receiver_name(HOOK))
    pauses = []
    for _ in range(notice.MOST_ATTEMPTS):
        box = notice.failed(box, told(), "500", 100.0, for_good=False)
        pauses.append(box.next_at - 100.0)

    assert pauses[:3] == [5.0, 10.0, 20.0]
    assert (box.waiting, box.trouble) == ((), "given up: 500")


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_has_words(outcome: Outcome) -> None:
    assert notice.words(outcome)


@pytest.mark.parametrize(
    ("receiver", "url", "header", "value", "state"),
    [
        (
            forge(Provider.GITHUB),
            "https://api.github.com/repos/a/b/statuses/c1",
            "Authorization",
            "Bearer word",
            "failure",
        ),
        (
            forge(Provider.GITLAB, "https://lab.example/"),
            "https://lab.example/api/v4/projects/a%2Fb/statuses/c1",
            "PRIVATE-TOKEN",
            "word",
            "failed",
        ),
        (
            forge(Provider.FORGEJO, "https://f.example"),
            "https://f.example/api/v1/repos/a/b/statuses/c1",
            "Authorization",
            "token word",
            "failure",
        ),
    ],
    ids=["github", "gitlab", "forgejo"],
)
def test_forges_are_asked_as_they_want_it(
    receiver: Receiver, url: str, header: str, value: str, state: str
) -> None:
    failed = told(State.FAILURE, reason="RolledBack").replace(message="m" * 500)
    request = requests.worded(failed, receiver, b"word\n")
    body = json.loads(request.body)

    assert (request.url, request.headers[header]) == (url, value)
    assert (body["state"], body["context"]) == (state, "podpy/web-1/shop")
    assert len(body["description"]) == requests.LONGEST_WORDS
    assert "word" not in repr(request)


def test_a_webhook_is_signed() -> None:
    request = requests.worded(told(), HOOK, b"key\n")
    digest = hmac.new(b"key", request.body, hashlib.sha256).hexdigest()

    assert request.headers["X-Signature"] == f"sha256={digest}"
    assert json.loads(request.body)["state"] == "success"
