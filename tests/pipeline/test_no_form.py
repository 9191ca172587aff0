"""Pictures that show no form at all are turned away."""

from __future__ import annotations

import pytest

from fixtures.negatives import Negative, negative_photo
from models.errors import NoFormFound
from models.forms.template import load_form
from pipeline.intake import open_photos
from pipeline.place import place_page


@pytest.mark.parametrize("number", [14, 60])
def test_a_calendar_is_no_form(number: int) -> None:
    """Its weeks lie as evenly as a party's rows: these two were once taken for that page."""
    (photo,) = open_photos(negative_photo(Negative.CALENDAR, 1, number), "calendar.jpg")
    with pytest.raises(NoFormFound):
        place_page(photo, [load_form("netgrit-2022-dpr-8")])
