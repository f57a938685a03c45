"""Courtesy: sentences that say nothing of the world. That somebody takes over or looks, what is asked or offered, how sorry we are."""

from automations.guardrails import patterns

POLITE = patterns.of(
    r"""
    \b(?:i|we)(?: will|'ll|'m going to| am going to| can| could|'d like to| would like to)(?: be)?(?: now| gladly| also| then)? (?:look
        |check|have a look|get back|pass|hand|forward|connect|transfer|let you know|help|assist|guide|proceed|need
        |able to (?:help|assist))\b
    \b(?:i|we)(?:'ll| will|'d| would)? (?:just |also )?(?:need|require)\b|\b(?:happy|glad|here) to (?:help|assist)\b|\bhow (?:can|may) (?:i
        |we) (?:help|assist)\b
    \b(?:to|before (?:i|we)) (?:proceed|assist|help|continue|verify|confirm|find|look|check|do (?:this|that|so))\b
    \b(?:let me|allow me|give me a (?:moment|minute)|one moment|bear with me|here (?:is|are) (?:the|your|some)|here's)\b
    \b(?:please|kindly|could you|can you|would you|feel free to) (?:\w+ ){0,3}?(?:tell|give|send|provide|share|confirm|let|reply
        |write|check|describe|name|wait|hold|note|specify|choose|review|contact|reach|ask)\b
    \b(?:thanks?|thank you)\b|\byou(?:'re| are) welcome\b|\b(?:i|we)(?:'m| am|'re| are) (?:very |so |really |truly )?(?:sorry|afraid
        |unable|not able)\b
    \b(?:i|we) (?:completely |fully |can |do |sincerely )?(?:understand|apologi[sz]e|appreciate|see)\b|\bmy apologies\b
        |\bhave a (?:\w+ )?(?:day|flight|trip)
    \b(?:i|we) (?:can(?:no|')t|could(?: not|n't)|do(?: not|n't))\b|\bdo not have (?:the )?(?:ability|access)\b|\bif you (?:have|need
        |would like|'d like|want|wish)\b
    \b(?:ich|wir) (?:sehe|sehen|schaue|schauen|prüfe|prüfen|melde|melden|leite|leiten|brauche|brauchen|benötige|benötigen|verstehe
        |verstehen)\b
    \b(?:kann|können|darf|dürfen) (?:ich|wir) (?:ihnen|dir|sonst|noch)\b|\bum (?:fortzufahren|weiterzuhelfen|ihnen (?:zu helfen
        |weiterzuhelfen))\b
    \bbitte (?:\S+ ){0,5}?(?:nennen|senden|schicken|teilen|geben|bestätigen|schreiben|beschreiben|warten|melden|haben)\b
        |\bbitte\b[^.!?]{0,60}\bmit$
    \b(?:vielen |herzlichen |besten )?dank\b|\btut (?:mir|uns)\b[^.!?]{0,20}\bleid\b|\b(?:entschuldigung|entschuldigen sie|leider kann)\b
    \b(?:i|we)(?: will|'ll| can| have|'ve)(?: now| just| already)? (?:search|retrieve|retrieved|found|checked|looked|look)\b|\blet's\b
        |\bi hope\b|\bsafe travels\b
    \b(?:have|enjoy) (?:a |an |your )(?:\w+ ){0,3}(?:day|flight|trip|evening|weekend|journey|time|rest)\b|\b(?:talk|speak) to you soon\b
        |\btake care\b|\b(?:i|we)(?:'ll| will) (?:\w+ )?(?:take care of|handle|see to) (?:it|this|that|everything)\b
    ^\W*(?:in order )?to (?:determine|see|make sure|ensure|find out|locate|identify|complete|move forward|get started)\b
    \b(?:i|we) (?:would |'d )?(?:recommend|suggest|advise) \w+
        |\byou (?:may|might|could) (?:want|wish|like|try|consider|find|also)\b
        |\bif (?:you|there)(?:'d|'re|'s| would| are| is)? (?:believe|think|prefer|feel|intended|meant|anything|still|any)\b
        |\bavailable to me\b|\b(?:beyond|within|outside|in) (?:the scope of )?my (?:scope|power|abilit\w+|capabilit\w+|tools)\b
    \b(?:once|after|as soon as) (?:you|i have your|i receive your|we have your)\b[^.!?]{0,60}\b(?:confirm\w*|provide|choose|decide|let
        |share|send)\b
    \b(?:this|that|it) (?:will|would) (?:help|allow|let|enable) (?:me|us)\b|\bin order to (?:help|assist|proceed|continue)\b
    \b(?:ich empfehle|wir empfehlen|ich würde|wir würden|sie könnten|falls sie|wenn sie (?:möchten|wollen|mögen|noch|weitere))\b
    ^\W*(?:no problem|sure|of course|great|perfect|got it|alright|okay|ok|certainly|absolutely|gladly|good news|gerne?|natürlich|alles klar
        |in ordnung)\W*$
    \b(?:ein kollege|eine kollegin|ein mensch|a colleague|a person|a human|a team ?mate)\b
    """
)
# what we are about to do, where the customer is asked whether we should
PLANNED = patterns.of(
    r"""
    \b(?:i|we)(?:'ll| will|'m going to| am going to| can| would|'d) (?:now |then |first |also |next |go ahead and |proceed to )*\w+\b
    \b(?:would|will) (?:then |also |now )*be (?:\w+)\b|\b(?:ich|wir) (?:werde|werden|würde|würden|kann|können)\b
    """
)
ASKS = patterns.of(
    r"""
    \?
    \b(?:please|kindly) (?:\w+ ){0,2}?(?:confirm|let me know|reply|tell|provide|specify|choose)\b|\bonce you confirm\b|\blet me know\b
    \bbitte\b[^.!?]{0,60}\b(?:bestätigen|sagen|teilen|geben|nennen)\b
    """
)
