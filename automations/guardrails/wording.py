"""Wording: what the words of a claim come to. Words that claim nothing go, words that mean the same become one, each is cut to its stem."""

import re

from evals.graders import cites_sources

_LITTLE = """
    ll ve re th st nd yes since already unfortunately currently current regarding according details detail however therefore additionally
    appears appear seems seem looks look shows show indicates indicate listed list found find reviewed successfully actually quite
    directly certainly mentioned following selected select specific processed process processing proceed ending include includes including
    included associated both two each followed made make done set using use used taken take as well specifically given based note noted
    additional separately existing afterward afterwards system record records end id ids number policy policies strict firm rule rules
    exception exceptions regardless options option suit needs need information concern situation request requests requested previously
    previous original originally initial initially final finally overall remaining different similar possible simply fully entirely
    correct correctly required requires require necessary available provided provide provides part parts case cases terms type kind reason
    reasons multiple several various few many single another next last latest earliest cheapest lowest highest best summary breakdown
    overview follows below above together separate individually able want wish prefer preferred continue complete arrange handle manage
    important although though whether instead rather otherwise hence thus hold belongs main mean means apologies assist assistance still
    ago worth calculated covered earlier yet neither condition conditions applies apply met meet criteria ticket tickets difference
    retrieved determined entitled leider bereits gerade derzeit laut aktuell zudem ausserdem daher deshalb beide beiden folgende folgenden
    erfolgreich gemass angegeben aufgefuhrt regel regeln
"""
LITTLE = frozenset(_LITTLE.split())  # words that claim nothing; of I'll and you're what is left
_SAME = """
    bestellung auftrag paket sendung parcel package shipment order | rechnung invoice bill |
    lieferung geliefert zugestellt zustellung delivered delivery arrived |
    unterwegs versandt verschickt versendet transit shipped sent way | erstattung erstattet erstatten ruckerstattung refund refunded |
    gutschrift gutgeschrieben credit credited | bezahlt beglichen gezahlt paid payment | fallig due | storniert cancelled canceled |
    verspatet verspatung late delayed delay | versanddienst paketdienst carrier | sendungsnummer trackingnummer tracking |
    betrag summe gesamt total amount | versprochen zugesagt promised expected | artikel items item | status stand |
    bought purchased purchase buy added add adding booked book booking bookings gekauft gebucht hinzugefugt |
    entitled allowed allow allows permitted eligible berechtigt erlaubt | layover connection stop onestop connecting |
    cost costs price prices fare fares charge charged preis kosten kostet | segment segments leg legs flight flights |
    departure departing departs departed depart | arrival arriving | bags bag baggage baggages luggage suitcase suitcases |
    tage tagen days day | offen unpaid open | storung ausfall incident outage | fehler issue issues problem error |
    kunde konto user account profile customer
"""
SAME = {stem: group.split()[-1] for group in _SAME.split("|") for stem in cites_sources.stems(set(group.split()))}
# what a customer's words make true for nobody
_STATES = """
    delivered shipped refunded credited paid cancelled canceled late unpaid delayed returned packed placed lost confirmed zugestellt
    geliefert versandt versendet verschickt erstattet gutgeschrieben bezahlt beglichen storniert verspatet verloren
    bestatigt zuruckgeschickt
"""
STATES = frozenset(_STATES.split())
_MONEY = "price prices amount cost costs fee fees refund balance fare total value credit payment paid charge due debit deposit preis betrag"
MONEY = frozenset(SAME.get(stem, stem) for stem in cites_sources.stems(set(_MONEY.split())))  # what a sum of money is called in a look-up
NEXT_DAY = re.compile(
    r"\b(?:tomorrow|yesterday|(?:next|following|previous) day|day (?:after|before|earlier|later)|(?:a|one) day|morgen|gestern|tag (?:danach"
    r"|davor|später|früher)|(?:nächsten?|folgenden?) tag)\b",
    re.IGNORECASE,
)
NON = re.compile(r"\bnon[- ]?(?=\w+ble\b|free)", re.IGNORECASE)  # which denies


def denied(text: str) -> str:
    """Non-refundable as not refundable."""
    return NON.sub("not ", text)


def stems(found: list[str]) -> set[str]:
    telling = cites_sources.telling(found) - cites_sources.KIND - LITTLE
    return {SAME.get(stem, stem) for stem in cites_sources.stems(telling)}


def first(found: list[str]) -> set[str]:
    """The stem of the first word that says something."""
    return next((one for one in (stems([word]) for word in found) if one), set())


def of_name(name: str) -> set[str]:
    """Of what a look-up calls something."""
    return stems(name.replace("_", " ").lower().split())


def is_money(name: str) -> bool:
    return bool(of_name(name) & MONEY)


def told_once(found: list[str]) -> list[str]:
    """'Cannot be cancelled unless it is late' denies twice, so it denies nothing."""
    denying = [word for word in found if word in TWICE]
    return [word for word in found if word not in TWICE and word != "t"] if len(denying) == 2 else found


def states(found: list[str]) -> set[str]:
    """Stems of what is told to be so: 'is cancelled', and neither 'to cancel' nor 'cancelled flights'."""
    following = [*found[1:], ""]
    told = {
        word
        for word, after in zip(found, following, strict=True)
        if word in STATES and not (after.endswith("s") and after not in NO_THINGS)
    }
    return stems([*told])


TWICE = cites_sources.NEGATING | {"unless", "cannot"}
CONTRAST = re.compile(r",[\"']? (?:not|nicht) (?:an? |the )?[\w\"']+(?: or \w+)?(?=\W*$)", re.IGNORECASE)  # is regular, not gold
ASIDE = re.compile(r"\([^()]{0,40}\)")
NO_THINGS = cites_sources.FILLING | {"is", "was", "has", "days", "hours"}
