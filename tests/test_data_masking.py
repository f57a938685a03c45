"""What colleagues write is masked wherever it stands; what names one of our own rows stays."""

from data import masking
from language import redact
from tests.conftest import Staff

LIKE_A_CARD = "01a22629-4439-7937-8110-1e1852f3fb69"  # its digits add up like a card's


def test_the_id_of_a_row_stays_though_its_digits_may_be_a_card(staff: Staff) -> None:
    assert "CARD" in redact.masked(LIKE_A_CARD, keep=[])  # the control: as a text it would be one
    assert masking.everywhere({"label_id": LIKE_A_CARD, "label_ids": [LIKE_A_CARD]}) == {
        "label_id": LIKE_A_CARD,
        "label_ids": [LIKE_A_CARD],
    }


def test_a_card_is_masked_beside_an_id_and_in_one_that_is_none_of_ours(staff: Staff) -> None:
    told = masking.everywhere([f"{LIKE_A_CARD} 4111 1111 1111 1111", "41111111-1111-1111-0000-000000000000", {"n": 4111111111111111}])
    assert "4111" not in str(told)
