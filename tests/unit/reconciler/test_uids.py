import uuid

from reconciler import uids


def test_a_uid_is_a_random_uuid_in_its_usual_form() -> None:
    made = [uids.new() for _ in range(1000)]

    assert len(set(made)) == len(made)
    for one in made:
        read = uuid.UUID(one)
        assert (str(read), read.version, read.variant) == (one, 4, uuid.RFC_4122)
