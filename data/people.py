"""People and teams: who works here, in which role."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, func, select

from data import access, approvals, audit, inbox, passwords, store, tickets
from data.errors import Refused
from data.passwords import EMAIL
from data.tables import Person, Proposal, Team
from data.tables import Session as SignIn
from data.values import now
from language import words

MOST_NAMES, LONGEST_NAME = 5, 80
GRANTED_BY_TWO = (access.LEAD, access.ADMIN)  # roles that one admin alone does not give


def console() -> Person:
    """Whoever runs commands on the portal's own machine. Never stored, never approves."""
    return Person(id="console", name="the console", email="", role=access.CONSOLE)


def add_team(name: str, *, by: Person, at: datetime | None = None) -> Team:
    access.require(by, "person.add")
    if not name.strip():
        raise Refused("Not added: the team's name is empty.")
    with store.writing() as db:
        store.one_at_a_time(db, "people")
        if team_named(name):
            raise Refused(f"Not added: there is a team '{name}' already.")
        team = Team(name=name, at=at or now())
        db.add(team)
        audit.record(db, by, "added", "team", team.id, f"Added the team {name}.", at=at)
        return team


def add(
    name: str,
    email: str,
    role: str,
    *,
    by: Person,
    team: Team | None = None,
    password: str | None = None,
    demo: bool = False,
    at: datetime | None = None,
) -> Person:
    access.require(by, "person.add")
    _check(name, email, role, password)
    with store.writing() as db:
        store.one_at_a_time(db, "people")
        if role in GRANTED_BY_TWO:
            _require_console_may_grant(db, role, by)
        if db.exec(select(Person).where(Person.email == email.lower())).first():
            raise Refused(f"Not added: {email} already has an account. Choose another address.")
        person = Person(name=name.strip(), email=email.lower(), role=role, team_id=team.id if team else None, demo=demo, at=at or now())
        person.by_person_id = person.let_in_by = access.whose(by)
        person.password_hash = passwords.hashed(password) if password else None
        db.add(person)
        audit.record(db, by, "added", "person", person.id, f"Added {name} as {role}.", at=at, after={"role": role, "email": email.lower()})
        return person


def _check(name: str, email: str, role: str, password: str | None) -> None:
    if role not in access.ROLES:
        raise Refused(f"Not added: there is no role '{role}'. Choose one of {', '.join(access.ROLES)}.")
    if not name.strip():
        raise Refused("Not added: the name is empty.")
    if not EMAIL.fullmatch(email):
        raise Refused(f"Not added: '{email}' is not an e-mail address.")
    if password is not None and (weak := passwords.weakness(password, name, email)):
        raise Refused(f"Not added: {weak}")


def _require_console_may_grant(db: Session, role: str, by: Person) -> None:
    """Until there are two admins, only the console makes leads and admins; from then on two admins decide."""
    access.require(by, "role.grant")
    if active_admins(db) >= 2:
        raise Refused(f"Not done: there are two admins, so one proposes the role of {role} on the People page and the other approves it.")


def active_admins(db: Session) -> int:
    return db.exec(select(func.count()).where(Person.role == access.ADMIN, col(Person.disabled_at).is_(None))).one()


def move(person_id: str, team_id: str | None, *, by: Person) -> Person:
    """Into another team, or none. What they may see follows at once."""
    access.require(by, "person.change")
    with store.writing() as db:
        person = _existing(db, person_id, "Not moved")
        if team_id is not None and db.get(Team, team_id) is None:
            raise Refused("Not moved: there is no such team.")
        before, person.team_id = person.team_id, team_id
        db.add(person)
        to = f"into {teams()[team_id]}" if team_id else "out of their team"
        told = {"team_id": before}, {"team_id": team_id}
        audit.record(db, by, "moved", "person", person.id, f"Moved {person.name} {to}.", before=told[0], after=told[1])
        return person


def set_role(person_id: str, role: str, *, by: Person) -> Person:
    """What one admin may do alone: make somebody a rep or an engineer. The console may more, until there are two admins."""
    access.require(by, "person.change")
    with store.writing() as db:
        store.one_at_a_time(db, "people")
        person = _existing(db, person_id, "Not changed")
        if role not in access.ROLES:
            raise Refused(f"Not changed: there is no role '{role}'. Choose one of {', '.join(access.ROLES)}.")
        if role in GRANTED_BY_TWO:
            _require_console_may_grant(db, role, by)
        if person.id == by.id:
            raise Refused("Not changed: nobody changes their own role. Another admin can do it.")
        return _give(db, person, role, by)


def propose_role(person_id: str, role: str, *, why: str, by: Person, at: datetime | None = None) -> Proposal:
    """Ask the other admin to make somebody a lead or an admin, also to let one back in whose account is disabled."""
    access.require(by, "role.propose")
    with store.writing() as db:
        person = _existing(db, person_id, "Not proposed")
        if role not in GRANTED_BY_TWO:
            raise Refused(f"Not proposed: one admin alone makes somebody {access.a(role)}.")
        if person.role == role and person.disabled_at is None:
            raise Refused(f"Not proposed: {person.name} is {access.a(role)} already.")
        payload = {"person_id": person.id, "role": role, "was": person.role, "disabled": person.disabled_at is not None}
        team = teams().get(person.team_id or "", "no team")
        told = {"sentence": f"{person.name}, now {access.a(person.role)} in {team}, would be {access.a(role)}."}
        title = f"make {person.name} {access.a(role)}"
        return approvals.propose(db, "grant_role", title, payload, why=why, evidence=told, authors=[by.id, person.id], by=by, at=at)


def grant_role(proposal_id: str, *, at: datetime | None = None) -> Person:
    """Carry out an approved proposal."""
    with store.writing() as db:
        proposal, approver = approvals.begin_execution(db, proposal_id, "grant_role", at=at)
        person = _existing(db, proposal.payload["person_id"], "Not granted")
        if person.role != proposal.payload["was"] or (person.disabled_at is not None) != proposal.payload["disabled"]:
            raise Refused(f"Not granted: {person.name} is not what they were when it was proposed. Propose it again.")
        return _give(db, person, proposal.payload["role"], approver, at)


def _give(db: Session, person: Person, role: str, by: Person, at: datetime | None = None) -> Person:
    before, person.role, person.disabled_at = person.role, role, None
    db.add(person)
    sentence = f"Made {person.name} {access.a(role)}."
    audit.record(db, by, "gave role", "person", person.id, sentence, at=at, before={"role": before}, after={"role": role})
    return person


def disable(person_id: str, *, by: Person, at: datetime | None = None) -> Person:
    """Out at once: the account stays for the record, its sign-ins end, its tokens open nothing any more."""
    access.require(by, "person.disable")
    with store.writing() as db:
        person = _existing(db, person_id, "Not disabled")
        if person.id == by.id:
            raise Refused("Not disabled: nobody locks themselves out. Another admin can do it.")
        person.disabled_at = person.disabled_at or at or now()
        db.add(person)
        for session in db.exec(select(SignIn).where(SignIn.person_id == person_id)):
            db.delete(session)
        tickets.void(db, "welcome", person_id)
        audit.record(db, by, "disabled", "person", person.id, f"Disabled {person.name} and ended their sign-ins.", at=at)
        return person


def enable(person_id: str, *, by: Person, at: datetime | None = None) -> Person:
    """Let somebody back in. A lead or an admin comes back by proposal: otherwise one admin alone would make one."""
    access.require(by, "person.change")
    with store.writing() as db:
        store.one_at_a_time(db, "people")
        person = _existing(db, person_id, "Not enabled")
        if person.disabled_at is None:
            raise Refused(f"Not enabled: {person.name} is active.")
        if person.role in GRANTED_BY_TWO and by.role != access.CONSOLE:
            raise Refused(
                f"Not enabled: {person.name} is {access.a(person.role)}. Propose the role again, so that a second admin looks at it."
            )
        if person.role in GRANTED_BY_TWO:
            _require_console_may_grant(db, person.role, by)
        person.disabled_at = None
        db.add(person)
        audit.record(db, by, "enabled", "person", person.id, f"Enabled {person.name}.", at=at)
        return person


def invite(person_id: str, *, by: Person) -> str:
    """A link with which the person sets a password or links their company sign-in; returns its ticket, shown once.

    Whoever gives it could use it: so it ends all sign-ins and every other way in, the person is told, and the two do not decide on each
    other's weighty proposals.
    """
    access.require(by, "person.change")
    with store.writing() as db:
        person = _existing(db, person_id, "No link was made")
        if person.disabled_at is not None or person.demo:
            raise Refused(f"No link was made: {person.name} {'is a demo account' if person.demo else 'is disabled'}.")
        for session in db.exec(select(SignIn).where(SignIn.person_id == person_id)):
            db.delete(session)
        had_a_way_in = person.password_hash is not None or person.subject is not None
        person.let_in_by = access.whose(by)
        person.password_hash = person.issuer = person.subject = None  # whoever opened them before comes in by this link alone
        db.add(person)
        tickets.void(db, "welcome", person.id)
        ticket = tickets.issue(db, "welcome", person.id, {}, by=by)
        audit.record(db, by, "invited", "person", person.id, f"Made a link with which {person.name} comes in.")
        if had_a_way_in:
            told = f"{by.name} made a new link to your account and ended your sign-ins. If you did not ask for it, tell another admin."
            inbox.tell(db, person.id, "approval", told, page="account", key=f"invited {now():%Y-%m-%dT%H:%M:%S}")
        return ticket


def welcome(ticket: str, *, password: str = "", issuer: str = "", subject: str = "") -> Person:
    """The person comes in by their link: with a password of their own, or through the company."""
    found = tickets.look(ticket, "welcome")
    person = get(found.person_id) if found else None
    if person is None or person.disabled_at is not None:
        raise Refused("This link opens nothing: it was used already, or is older than a week. Ask an admin for a new one.")
    if not issuer and (weak := passwords.weakness(password, person.name, person.email)):
        raise Refused(f"Not saved: {weak}")
    with store.writing() as db:
        tickets.redeem(db, ticket, "welcome")
        if issuer:
            return link(person, issuer, subject)
        person = db.get_one(Person, person.id)
        person.password_hash = passwords.hashed(password)
        db.add(person)
        audit.record(db, person, "set password", "person", person.id, f"{person.name} set a password.")
        return person


def change_password(now_given: str, wanted: str, *, by: Person, keep_session: str = "") -> int:
    """One's own; all other sign-ins end. How many ended."""
    with store.writing() as db:
        person = _existing(db, by.id, "Not changed")
        if by.scopes is not None or person.disabled_at is not None:
            raise Refused("Not changed: only the person themselves changes a password.")
        if not passwords.right(person.password_hash, now_given):
            raise Refused("Not changed: that is not your password now.")
        if weak := passwords.weakness(wanted, person.name, person.email):
            raise Refused(f"Not changed: {weak}")
        person.password_hash = passwords.hashed(wanted)
        db.add(person)
        others = list(db.exec(select(SignIn).where(SignIn.person_id == person.id, SignIn.id != keep_session)))
        for session in others:
            db.delete(session)
        audit.record(db, by, "set password", "person", person.id, f"{person.name} changed their password.")
        return len(others)


def link(person: Person, issuer: str, subject: str) -> Person:
    """From now on this company account is this person. Called once somebody proved to hold both."""
    with store.writing() as db:
        store.one_at_a_time(db, "people")
        held = db.exec(select(Person).where(Person.issuer == issuer, Person.subject == subject)).first()
        if held is not None and held.id != person.id:
            raise Refused("Not linked: that company account belongs to another person here. Ask an admin.")
        found = _existing(db, person.id, "Not linked")
        if found.subject is not None and (found.issuer, found.subject) != (issuer, subject):
            raise Refused("Not linked: your account is linked to another company account. Unlink that one first.")
        found.issuer, found.subject = issuer, subject
        db.add(found)
        audit.record(db, found, "linked", "person", found.id, f"{found.name} linked their company account.")
        return found


def unlink(*, by: Person) -> None:
    with store.writing() as db:
        person = _existing(db, by.id, "Not unlinked")
        if person.password_hash is None:
            raise Refused("Not unlinked: it is your only way to sign in. Ask an admin for a link to set a password first.")
        person.issuer = person.subject = None
        db.add(person)
        audit.record(db, by, "unlinked", "person", person.id, f"{person.name} unlinked their company account.")


def by_company_account(issuer: str, subject: str) -> Person | None:
    """Whose company account it is. E-mail addresses and names in it are claims, and find nobody."""
    with store.reading() as db:
        found = db.exec(select(Person).where(Person.issuer == issuer, Person.subject == subject)).first()
    return found if found and found.disabled_at is None else None


def _existing(db: Session, person_id: str, what_not: str) -> Person:
    person = db.get(Person, person_id)
    if person is None:
        raise Refused(f"{what_not}: there is no such person.")
    return person


def first_admin(name: str, email: str, password: str) -> Person:
    """The one account that nobody has to add. Only while there is none."""
    with store.writing() as db:
        store.one_at_a_time(db, "first admin")
        if anybody():
            raise Refused("Not added: this portal already has people. Ask an admin for an account.")
        return add(name, email, access.ADMIN, by=console(), password=password)


def anybody() -> bool:
    with store.reading() as db:
        return db.exec(select(Person.id).limit(1)).first() is not None


def demo_people() -> list[Person]:
    with store.reading() as db:
        return list(db.exec(select(Person).where(col(Person.demo), col(Person.disabled_at).is_(None)).order_by(Person.id)))


def everybody(*, by: Person) -> list[Person]:
    access.require(by, "person.read")
    with store.reading() as db:
        return list(db.exec(select(Person).order_by(Person.name)))


def teams() -> dict[str, str]:
    """Name by id."""
    with store.reading() as db:
        return {team.id: team.name for team in db.exec(select(Team).order_by(Team.name))}


def team_named(name: str) -> Team | None:
    with store.reading() as db:
        return db.exec(select(Team).where(Team.name == name)).first()


def names() -> dict[str, str]:
    """Everybody's name by id, also of people who left: a history names them."""
    with store.reading() as db:
        return dict(db.exec(select(Person.id, Person.name)).all())


def get(person_id: str) -> Person | None:
    with store.reading() as db:
        return db.get(Person, person_id)


def by_email(email: str) -> Person | None:
    if "\0" in email:  # PostgreSQL cannot even ask for it
        return None
    with store.reading() as db:
        return db.exec(select(Person).where(Person.email == email.strip().lower())).first()


def known_as(names: Sequence[str], *, by: Person) -> Person:
    """What else the help desk calls this person: chats under these names are their last chats too."""
    said = list(dict.fromkeys(" ".join(name.replace("\0", "").split()) for name in names if words.of(name)))
    if len(said) > MOST_NAMES or any(len(name) > LONGEST_NAME for name in said):
        raise Refused(f"Not saved: up to {MOST_NAMES} names, each of 1 to {LONGEST_NAME} characters.")
    with store.writing() as db:
        person = _existing(db, by.id, "Not saved")
        person.desk_names = said
        db.add(person)
        audit.record(
            db, by, "named", "person", person.id, f"{person.name} is known in the help desk as {', '.join(said) or 'nothing else'}."
        )
        return person


def rest_keys(rest: bool, *, by: Person) -> Person:
    """Single letters do nothing for this person, or do again."""
    with store.writing() as db:
        person = _existing(db, by.id, "Not saved")
        person.quiet_keys = rest
        db.add(person)
        return person


def mail_digest(wanted: bool, *, by: Person) -> Person:
    """The digest comes by mail too, or does not; it stands on its page for everybody."""
    with store.writing() as db:
        person = _existing(db, by.id, "Not saved")
        person.no_digest = not wanted
        db.add(person)
        return person


def count() -> int:
    with store.reading() as db:
        return db.exec(select(func.count()).select_from(Person)).one()


def active_count() -> int:
    with store.reading() as db:
        return db.exec(select(func.count()).where(col(Person.disabled_at).is_(None))).one()
