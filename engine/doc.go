// Package engine holds the words of Postern, the ports to the world around it, and the loop that takes
// events in, runs workflows and delivers messages. It imports nothing else of Postern: every other
// package points here.
//
// # The way of an event
//
// A CRM publishes that a record changed, on crm.<module>.<verb>.<key>. From there:
//
//  1. In. The [Bus] hands over what the stream holds after the cursor. [DecodeEvent] checks the
//     envelope; what is no event becomes a [DeadLetter] with the reason, and the next one goes on.
//  2. Match. The index by module, verb and what conditions need finds the workflows that may start; their
//     conditions are compiled and type-checked long before. An event that matches nothing costs no row. One
//     that tells no change of a record, an order to start a workflow among them, starts a run that reads its
//     record when it begins. (match.go, shelf.go, start.go)
//  3. Take in. One transaction stores the runs and moves the cursor: [RunStore].Intake. There are no
//     acknowledgements; the cursor is the position, and the [RunKey] keeps an event from starting the
//     same workflow twice. (take.go)
//  4. Run. A lane takes the runs of its partitions in order, each through the gate of its workflow. A
//     [Task] only asks, of its [StepContext]; the asks commit together with the run: [RunStore].Advance.
//     A conflict commits nothing and takes the same steps again. (lane.go, pass.go, stretch.go, commit.go)
//  5. Rest. A run that cannot go on now is a row and nothing else: in a wait step, before a step that
//     failed for a passing reason, or until its writes to a CRM outside of our own store, the effects,
//     are over. The waker finds it when its time has come or one of its topics was touched. (wake.go,
//     resume.go, write.go)
//  6. Deliver. A delivery that holds a sender slot is rendered and handed to its [Channel] once. The
//     verdict of the error decides what is next: again later, by another channel, never, or in doubt. A
//     retry carries the same message and the same link. (deliver.go, send.go, settle.go, judge.go)
//  7. Land. Who follows the link meets the door (package links): looking changes nothing, and an act is
//     one transaction of use count, record and events.
//  8. Out. What was written leaves the outbox as record.updated, with its cause and depth, on the same
//     stream: the CRM hears of it, and other workflows may match it. (publish.go)
//
// # Glossary
//
// One word has one meaning, in YAML, Go, SQL, logs and documents.
//
//	Event      what happened to a record, with the attributes of CloudEvents
//	Record     a module, an id and fields
//	Ref        module and id: which record
//	Change     what an event says of its record: full state, old values, names of the changed fields
//	Module     the description of a kind of record: fields, types, options, references
//	Book       a checked set of workflows, modules, landings, factors, labels and templates
//	Workflow   what is to be done, on which triggers, under which condition
//	Trigger    an event type, a module and, maybe, fields one of which must have changed; or a time
//	Schedule   when a workflow is due by the time of a zone
//	Tick       a moment at which a schedule is due
//	Timing     a trigger that goes by time, and where it stands
//	Walk       a passage over the records of a module, page by page
//	Alarm      a moment at which a date of a record starts a workflow
//	Window     holds the events of a burst until one run begins on the last of them
//	Input      what a start by hand hands over
//	Order      who orders a change or a start, why and when
//	Memory     what a workflow remembers beyond its runs: that one succeeded, with which values one began
//	Query      a read of the CRM that an expression needs before it is evaluated
//	Need       a field and the text without which a condition cannot be true
//	Wall time  what clocks on the wall of a zone show
//	Condition  the expression after if:
//	Step       one entry under tasks:
//	Work       what evaluations may cost, in about bytes looked at
//	Var        a value that a run keeps for its later steps, by name
//	Handler    the steps under on_error, taken when theirs failed for good
//	Item       what a step with for_each is taken for, one after the other
//	Loop       where a run stands among the items of a step
//	Uses       what the value of an expression depends on
//	Baseline   the record as it was when a wait began
//	Task       what a step does; its kind is the key in YAML: fill, update, notify, emit …
//	Route      a way over references: record.parent_id.email
//	Run        one workflow on one occasion
//	Occasion   what started a run: an event by source and id, a tick and a record
//	Ask        what a task wants done
//	Write      an ask to change a record, with the values it expects to find
//	Create     an ask to make a record, with the key that makes it once
//	Effect     an ask that is done outside of our own store, with all its tries
//	Call       a request to a web service, by a key that names it in all tries
//	Host       what calls go to; each has a breaker of its own
//	Answer     what a web service answered
//	Conflict   an effect that met a change of somebody else
//	Echo       an event by which a CRM tells a change that was ours
//	Chain      the workflows whose writes led to an event
//	Wait       what a run rests for: a time, or that a topic is touched
//	Topic      what a wait listens to: a record, or the messages and links of a run
//	Touch      a change of what a topic stands for
//	Gate       what lets the runs of a workflow pass one at a time
//	Round      which time a step is taken, counted up by conflicts
//	Attempt    one try of a delivery or an effect
//	Message    a rendered text with its recipient
//	Recipient  who gets a message: an identity, not an address
//	Template   the texts of one message, by channel, language and part
//	Layout     what stands around a text, which many share
//	Partial    a piece that stands within texts, with arguments
//	Delivery   one message to one recipient, with all its tries
//	Way        a channel with the recipient's address on it
//	Slot       what a delivery holds while it is being sent; there are 128
//	Leaving    the instant from which on a message may have left, whatever happens
//	Carrier    what a book has to know of a channel: its kind, and what reaches a recipient by it
//	Reach      what reaches a recipient by a channel: a field, or the record itself
//	Heard      what reached us from a channel: a report on a message, or a reply of a person
//	Report     what a provider tells of a message it took
//	Reply      what a person sent to an address of ours
//	Rank       of a delivery's state, once somebody took the message: it never goes down
//	Lineage    where the events of a delivery come from
//	Suppression  keeps messages from an address
//	Conversation  the 24 hours after somebody wrote to us, in which free text may be sent on channels that converse
//	Class      what recipients may refuse of a workflow's messages: transactional, notice, marketing
//	Policy     a rule that a message must pass before it is handed over
//	Orphan     a delivery that was in a slot when the engine stopped
//	Offer      an action of a landing that a message has a button for
//	Press      on a button of a message, which acts like a confirmed visit
//	Receipt    what the provider answered
//	Verdict    an error that says what should happen next: Permanent, RetryAfter, Unknown, Misconfigured, Busy
//	Decision   one line of why, in the history of a run or delivery
//	Letter     a dead letter: a message that is no event, kept with the reason until an operator decides its fate
//	Desk       what operators read and change
//	Revision   how often a stored run was changed: who moves it on must have seen the last change
//	Deed       an entry of the audit: what somebody may have to answer for
//	Seal       a signature under the audit as far as a deed
//	Replay     the events of a stretch of the stream, matched once more
//	Dry        of a run: what it asks for is only noted
//	Rehearsal  an engine that is driven step by step, on a clock that stands still
//	Sight      what a run was seen to do at a place of its workflow
//	Case       a story and what is expected to come of it: one test of a workflow
//	Stage      what a case is played on: a house of its own, in memory
//	Channel    how a message leaves: email, capture
//	Provider   an account that carries messages; a channel may have several, in order
//	Relay      the channel made of several providers
//	Budget     how many messages may leave by a channel in a time, whoever asks for them
//	Diversion  keeps messages from their recipients while an installation is tried out
//	Outlet     what a channel may send at present: its slots, its breaker, its rate
//	Breaker    what keeps a channel from being tried while its provider fails
//	Rate       how many messages a provider takes in a time
//	Re-key     publish again with its key an event that came without
//	Partition  a share of the records, with one owner, an epoch and a cursor
//	Fence      the proof of owning a partition
//	Link       a minted, limited permission: one record, one landing, a time, a number of effects
//	Opt-out    what an address to unsubscribe at stands for: whose messages end
//	Generation which token of a link: sending it again counts it up
//	Lapse      a stretch of the links in the order in which they expire
//	Cut-off    the time before which every link that was made is revoked
//	Landing    the page and the rules behind a link
//	Factor     a proof beside the link: a security code, a one-time code, a second link by mail
//	Challenge  one asking for a proof, in one flow for one factor
//	Guess      one answer to a challenge; it counts as wrong until it proved right
//	Principal  whose guesses are counted together: the recipient, else the record, with the factor
//	Grant      a proof that holds for a visitor, a factor and one record, for a while
//	Carry-over code  what brings a proof from one browser to another
//	Lock       keeps a link shut after too many wrong guesses
//	Spray      so many wrong guesses on all links that somebody is guessing at large
//	Flow       a visitor's passage from the door to the receipt
//	Visit      an act that a visitor committed by a link, with what stood there before
//	Undo       sets back what a visit replaced, while what it set still stands
//	Scale      a row of whole numbers to choose from
//	File       what a visitor sent; it is kept in pieces, each sealed
//	Hand-over  sends a visitor on to a page of the customer's
//	Statement  what a hand-over says, signed: who was let in for what, and until when
//	Entry      one line of a form: a field of the record, or what becomes a record of its own
//	Creation   how an entry becomes a record of its own
//	Look       somebody fetched a link, which changes nothing
//	Crowd      what the addresses of visitors have tried lately, by which one is held back for a while
//	Version    the hash of a workflow or landing and all files it uses
//	Scope      a part of the API that a key opens
//	Front end  pages of the customer's own that ask the door for data
//	Portal     pages and an API for people who sign in
//	Subject    who may sign in to a portal: a record, such as a contact or an employee
//	Viewer     the subject of one request, with what their role may do
//	Role       what some subjects may see and do
//	Access     what a role may do with the records of a module
//	Rows       the predicate that says which records of a module an access is for
//	While      the predicate that says which of those may be changed and deleted
//	Predicate  a condition that a store can answer, as a tree
//	Search     a question for the records that a predicate holds for
//	Place      where a record stands in a sorted list
//	Credential what proves a subject: a password's verifier, a passkey, an authenticator
//	Passkey    a credential of a subject's device; proves both what they have and that it is them
//	Authenticator  an app that shows a code which changes with time
//	Recovery code  stands in for a second factor, once
//	Holder     a subject, as the holder of passkeys, an authenticator and recovery codes
//	Ceremony   what is begun in a browser and finished by one answer: making or using a passkey, enrolling
//	Pending    a sign-in that a second step is missing of
//	Session    a sign-in, until it ends
//	Device     a browser that a subject has signed in from before
//	Recovery   how who forgot a password chooses another one
//	App key    a secret that a program signs in with, in place of a password
//	Façade     the web service that clients of coreBOS speak to
//
// # Adding a kind of task or channel
//
// A kind is one file in tasks or channels and one line in the Kinds list beside it. The guide shows a
// whole one: docs/guide/new-task.md.
package engine
