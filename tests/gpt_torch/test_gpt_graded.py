"""The everyday GPT is graded like the backends, in all that torch does not do its own way."""

from nnz.conformance.grading import ALL_BUT_GPT, OF_GPT_ALONE, grade

OWN_WAY = {"dropout", "intermediates", "backward twice", "calls in any order", "without targets", "nine decimals"}
OWN_WAY |= {"each of 8 clipped steps"}


def test_it_meets_what_is_not_torchs_own_way_and_is_asked_for_a_gpt_alone():
    report = grade("nnz.gpt", dtypes=["float64"], rounds=1)
    assert report.skipped == (ALL_BUT_GPT,)
    assert {r.level for r in report.results} == set(OF_GPT_ALONE)
    assert {r.check for r in report.missing} == OWN_WAY
    assert report.failed == ()
    assert report.borrowed == ()
