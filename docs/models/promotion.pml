/*
 * Pause and merge, as packages/tools/src/self-extension does it (promotion-landing.ts,
 * settle-intent.ts, promotion-pause.ts), and as it must not be done. `node scripts/check-models.mjs`
 * checks every variant.
 *
 * For each head there is a kernel, and a successor that goes on with the same head: it takes the
 * intent over when the kernel is dead, or announces anew after a pause was lifted. An operator
 * pauses, resumes and pauses again. The host applies requests in any order and as late as it likes:
 * one that was sent may take effect long after its sender is dead. A kernel may stand still
 * anywhere, for ever or for a while, and may be killed anywhere.
 *
 * The property: no promotion takes effect while a pause is acknowledged.
 *
 * DESIGN:
 *   0  the switch is read, then acted upon; the pause waits for nothing
 *   1  intents under the lock of the switch; one that was let through is resolved by reading back
 *      once its holder is dead. No fence
 *   2  as 1, and an intent expires by time, with its holder alive
 *   3  as it is built: before "did not happen" is said of an intent that was let through, its head is
 *      fenced; and if somebody else may still open that fence, he is ended and his request awaited
 *   4  as 3, and nobody thinks of who may still open the fence
 *   5  as 3, and a request that opens the fence is repeated when no answer comes
 *   6  as 3, and a fence is opened again while a request to land the head may be on its way
 * LATE=0: what a kernel has sent is applied before it is found dead.
 */
#ifndef DESIGN
#define DESIGN 3
#endif
#ifndef LATE
#define LATE 1
#endif
#ifndef HEADS
#define HEADS 1
#endif

#define FENCED (DESIGN >= 3)
#define BOTH (2 * HEADS)
/* A kernel and its successor, by head. */
#define FIRST(h) (2 * (h))
#define SECOND(h) (2 * (h) + 1)
#define HEAD(k) ((k) / 2)

mtype = { NONE, RECORDED, LANDING, LANDED, NOT };

bool paused = false;
bool acknowledged = false;

/* The row of the open or last intent of a head. */
mtype intent[HEADS] = NONE;
byte holder[HEADS] = 0;
/* Whether it was let through, in an intent that was given up since. */
bool givenUp[HEADS] = false;
/* Whether an earlier holder may have asked for the fence to be opened, and not heard the answer. */
bool doubt[HEADS] = false;

bool dead[BOTH] = false;

/* The host: the status of a head, what the base holds, and requests on their way to it. */
bool green[HEADS] = false;
bool onBase[HEADS] = false;
byte opening[BOTH] = 0;
byte answered[BOTH] = 0;
bool moving[BOTH] = false;
bool moved[BOTH] = false;

inline apply(k) {
	moving[k] = false;
	moved[k] = true;
	if
	:: !onBase[HEAD(k)] && (!FENCED || green[HEAD(k)]) ->
		onBase[HEAD(k)] = true;
		assert(!acknowledged)
	:: else
	fi
}

/* It decides about a request in one step, by the status as it is then. */
active proctype Host() {
	byte k;
end:
	do
	:: atomic {
		select (k : 0 .. (BOTH - 1));
		if
		:: opening[k] > 0 -> opening[k]--; green[HEAD(k)] = true; answered[k] = 1
		:: moving[k] -> apply(k)
		:: else -> skip
		fi
	}
	od
}

inline kill(k) {
	atomic {
		dead[k] = true;
#if !LATE
		if
		:: moving[k] -> apply(k)
		:: else
		fi
#endif
	}
}

#if DESIGN == 6
#define MAY_OPEN true
#define MAY_ANNOUNCE(h) true
#else
/* Not of an intent that was found let through: what was sent for it may be on its way. */
#define MAY_OPEN mayOpen
/* What the kernel had sent for this head is over: it was answered, or has had its time. */
#define MAY_ANNOUNCE(h) (!givenUp[h] || ((dead[FIRST(h)] || moved[FIRST(h)]) && !moving[FIRST(h)]))
#endif

inline open_fence(k) {
	if
	:: atomic { !dead[k] && (!(MAY_OPEN) || green[HEAD(k)]) -> answered[k] = 1 }
	:: atomic { !dead[k] && MAY_OPEN && !green[HEAD(k)] -> opening[k]++ }
	:: dead[k] -> goto over
	fi;
#if DESIGN == 5
	if
	:: atomic { !dead[k] && answered[k] == 0 && opening[k] == 1 -> opening[k]++ }
	:: skip
	fi;
#endif
	/* Only an answer lets it go on. */
	if
	:: answered[k] == 1
	:: dead[k] -> goto over
	fi
}

proctype Kernel(byte k) {
	byte h = HEAD(k);
	bool mayOpen = true;
	/* Recorded by a statement that the row of the switch is locked for. */
	if
	:: atomic {
		!dead[k] && k == FIRST(h) && !paused && intent[h] == NONE ->
		intent[h] = RECORDED; holder[h] = k
	}
	:: atomic {
		!dead[k] && k == SECOND(h) && dead[FIRST(h)] && (intent[h] == RECORDED || intent[h] == LANDING) ->
		doubt[h] = doubt[h] || intent[h] == RECORDED;
		mayOpen = intent[h] == RECORDED;
		holder[h] = k
	}
	:: atomic {
		!dead[k] && k == SECOND(h) && !paused && (intent[h] == NOT || intent[h] == NONE) && MAY_ANNOUNCE(h) ->
		intent[h] = RECORDED; holder[h] = k
	}
	fi;
#if DESIGN == 0
	if
	:: paused -> goto over
	:: !paused
	fi;
	if
	:: atomic { !dead[k] -> moving[k] = true }
	:: dead[k]
	fi;
#else
#if FENCED
	open_fence(k);
#endif
	/* Let through by a statement of the same kind: its intent is open, and it holds it. */
	if
	:: atomic {
		!dead[k] && !paused && holder[h] == k && (intent[h] == RECORDED || intent[h] == LANDING) ->
		intent[h] = LANDING
	}
	:: atomic {
		!dead[k] && (paused || holder[h] != k || intent[h] == NOT || intent[h] == LANDED) -> goto over
	}
	:: dead[k] -> goto over
	fi;
	if
	:: atomic { !dead[k] -> moving[k] = true }
	:: dead[k] -> goto over
	fi;
	/* It reads back itself. */
	if
	:: atomic {
		!dead[k] && moved[k] && onBase[h] && intent[h] == LANDING && holder[h] == k -> intent[h] = LANDED
	}
	:: skip
	fi;
#endif
over:
	skip
}

/* Kernels die when they like. */
proctype Fate(byte k) {
	if
	:: kill(k)
	:: skip
	fi
}

inline read_back(h) {
	atomic {
		if
		:: onBase[h] -> intent[h] = LANDED
		:: else -> intent[h] = NOT; givenUp[h] = true
		fi
	}
}

inline settle(h) {
	if
	:: atomic { (intent[h] == NONE || intent[h] == LANDED || intent[h] == NOT) -> skip }
	/* Never let through, and it will not be. Its holder may still ask for the fence to be opened. */
	:: atomic { intent[h] == RECORDED -> intent[h] = NOT; doubt[h] = true }
	:: intent[h] == LANDING ->
#if DESIGN == 1
		kill(holder[h]);
#endif
#if DESIGN == 3 || DESIGN >= 5
		if
		:: doubt[h] && holder[h] != FIRST(h) ->
			kill(FIRST(h));
			opening[FIRST(h)] == 0
		:: else
		fi;
#endif
#if FENCED
		green[h] = false;
#endif
		read_back(h)
	fi
}

proctype Operator() {
	byte h;
	byte round = 0;
	do
	:: round < 2 ->
		round++;
		paused = true;
#if DESIGN != 0
		h = 0;
		do
		:: h < HEADS -> settle(h); h++
		:: else -> break
		od;
#endif
		acknowledged = true;
		if
		:: atomic { round < 2 -> acknowledged = false; paused = false }
		:: skip
		fi
	:: else -> break
	od
}

init {
	byte k;
	atomic {
		k = 0;
		do
		:: k < BOTH -> run Kernel(k); run Fate(k); k++
		:: else -> break
		od;
		run Operator()
	}
}
