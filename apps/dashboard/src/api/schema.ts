// Made by scripts/generate-api.mjs; pnpm --filter @jarvis/dashboard api makes it again.

export interface paths {
    "/api/status": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Switches, base, what serves, open runs, sandbox, database, host */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Switches, base, runs, sandbox, database, host. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Status"];
                    };
                };
                /** @description The request could not be read; nothing was recorded. */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The token is missing or nobody's. */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The Host or Origin is not ours, or the token's role does not allow it. */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such thing. */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The request is too large. */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body does not say that it is JSON. */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The kernel cannot answer right now. */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/self-extension": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The pause, and the newest event of each kind */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The pause and the newest events. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["SelfExtension"];
                    };
                };
                /** @description The request could not be read; nothing was recorded. */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The token is missing or nobody's. */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The Host or Origin is not ours, or the token's role does not allow it. */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such thing. */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The request is too large. */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body does not say that it is JSON. */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The kernel cannot answer right now. */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/runs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Runs, newest first */
        get: {
            parameters: {
                query?: {
                    limit?: number;
                    before?: string;
                    status?: "new" | "attested" | "proposed" | "tested" | "parked" | "blocked" | "promoted" | "failed" | "watched" | "window-passed" | "blessed" | "window-failed" | "rolling-back" | "rolled-back" | "rollback-failed" | "unreadable";
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Newest first. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            runs: components["schemas"]["Run"][];
                        };
                    };
                };
                /** @description The request could not be read; nothing was recorded. */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The token is missing or nobody's. */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The Host or Origin is not ours, or the token's role does not allow it. */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such thing. */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The request is too large. */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body does not say that it is JSON. */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The kernel cannot answer right now. */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/runs/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One run, with its result and events */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description One run. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["RunDetail"];
                    };
                };
                /** @description The request could not be read; nothing was recorded. */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The token is missing or nobody's. */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The Host or Origin is not ours, or the token's role does not allow it. */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such thing. */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The request is too large. */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body does not say that it is JSON. */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The kernel cannot answer right now. */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Events of the ledger, ascending */
        get: {
            parameters: {
                query?: {
                    limit?: number;
                    after?: string;
                    before?: string;
                    actor?: string;
                    from?: string;
                    to?: string;
                    run?: string;
                    type?: "proposed" | "tested" | "promotion_blocked" | "promoted" | "failed" | "promotion_pause_changed" | "health_window_started" | "health_window_passed" | "health_window_failed" | "rollback_started" | "rolled_back" | "rollback_failed" | "baseline_blessed";
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Ascending by id: those behind `after`, else the newest (before `before`). `from` is part of the time that is asked for, `to` is not. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            events: components["schemas"]["Event"][];
                        };
                    };
                };
                /** @description The request could not be read; nothing was recorded. */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The token is missing or nobody's. */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The Host or Origin is not ours, or the token's role does not allow it. */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such thing. */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The request is too large. */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body does not say that it is JSON. */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The kernel cannot answer right now. */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/proposals": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Hand in a change as a git patch */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @description A unified diff as `git diff` writes it; at most `limits.patchBytes`. */
                        patch: string;
                        title?: string;
                        goal?: string;
                        goalId?: string;
                        cycleId?: string;
                        subGoalId?: string;
                        toolName?: string;
                        toolCallId?: string;
                    };
                };
            };
            responses: {
                /** @description Recorded; the run has begun. */
                202: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            runId: string;
                        };
                    };
                };
                /** @description The request could not be read; nothing was recorded. */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The token is missing or nobody's. */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The Host or Origin is not ours, or the token's role does not allow it. */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such thing. */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description Another kernel leads (`standby`): hand it in there. */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The request is too large. */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body does not say that it is JSON. */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The quota of the token is used up; `Retry-After` says until when. */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The kernel cannot answer right now. */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no room to record it (`disk-low`). */
                507: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/self-extension/promotion": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Pause or resume promotion */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        paused: boolean;
                        reason: string;
                        /**
                         * @description How long the answer may take if promotions are on their way to land, in milliseconds.
                         * @default 20000
                         */
                        waitMs?: number;
                    };
                };
            };
            responses: {
                /** @description The switch is set; acknowledged when no promotion can land any more. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["PauseAnswer"];
                    };
                };
                /** @description The request could not be read; nothing was recorded. */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The token is missing or nobody's. */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The Host or Origin is not ours, or the token's role does not allow it. */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such thing. */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The request is too large. */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body does not say that it is JSON. */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The kernel cannot answer right now. */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/mode": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Set whether anything may be promoted */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @enum {string} */
                        mode: "observe" | "execute";
                        reason: string;
                    };
                };
            };
            responses: {
                /** @description The mode now. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            /** @enum {string} */
                            mode: "observe" | "execute";
                        };
                    };
                };
                /** @description The request could not be read; nothing was recorded. */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The token is missing or nobody's. */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The Host or Origin is not ours, or the token's role does not allow it. */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such thing. */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The request is too large. */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body does not say that it is JSON. */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The kernel cannot answer right now. */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/kill-switch": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** End every sandbox, and observe */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        reason: string;
                    };
                };
            };
            responses: {
                /** @description What was ended: how many, and the first 500 by name. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["KillAnswer"];
                    };
                };
                /** @description The request could not be read; nothing was recorded. */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The token is missing or nobody's. */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The Host or Origin is not ours, or the token's role does not allow it. */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such thing. */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The request is too large. */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body does not say that it is JSON. */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The kernel cannot answer right now. */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/accept": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Attest a commit of the base that came from outside */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        sha: string;
                    };
                };
            };
            responses: {
                /** @description Attested. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            sha: string;
                            treeSha: string;
                        };
                    };
                };
                /** @description The request could not be read; nothing was recorded. */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The token is missing or nobody's. */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The Host or Origin is not ours, or the token's role does not allow it. */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such thing. */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The request is too large. */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body does not say that it is JSON. */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The kernel cannot answer right now. */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/actions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Proposed actions, newest first */
        get: {
            parameters: {
                query?: {
                    limit?: number;
                    state?: "proposed" | "validated" | "approved" | "executing" | "completed" | "failed" | "cancelled" | "rejected" | "expired";
                    before?: number;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Newest first. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            actions: components["schemas"]["Action"][];
                        };
                    };
                };
                /** @description The request could not be read; nothing was recorded. */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The token is missing or nobody's. */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The Host or Origin is not ours, or the token's role does not allow it. */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such thing. */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The request is too large. */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body does not say that it is JSON. */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The kernel cannot answer right now. */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/actions/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One action, with its events */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: number;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description One action and what happened to it. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            action: components["schemas"]["Action"];
                            events: components["schemas"]["AuditEvent"][];
                        };
                    };
                };
                /** @description The request could not be read; nothing was recorded. */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The token is missing or nobody's. */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The Host or Origin is not ours, or the token's role does not allow it. */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such thing. */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The request is too large. */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body does not say that it is JSON. */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The kernel cannot answer right now. */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/actions/{id}/approve": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Approve exactly what was shown, and execute it */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: number;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        digest: string;
                    };
                };
            };
            responses: {
                /** @description Approved as it was shown, and executed; how that ended is in `execution`. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            action: components["schemas"]["Action"];
                            execution: components["schemas"]["Execution"];
                        };
                    };
                };
                /** @description The request could not be read; nothing was recorded. */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The token is missing or nobody's. */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The Host or Origin is not ours, or the token's role does not allow it. */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such thing. */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The action is not where that is possible; nothing was changed. */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The request is too large. */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body does not say that it is JSON. */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The kernel cannot answer right now. */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/actions/{id}/reject": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Say no to an action that waits */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: number;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        reason: string;
                    };
                };
            };
            responses: {
                /** @description Rejected; it will not be executed. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            action: components["schemas"]["Action"];
                        };
                    };
                };
                /** @description The request could not be read; nothing was recorded. */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The token is missing or nobody's. */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The Host or Origin is not ours, or the token's role does not allow it. */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such thing. */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The action is not where that is possible; nothing was changed. */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The request is too large. */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body does not say that it is JSON. */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The kernel cannot answer right now. */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/actions/{id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Cancel an action, or stop one that runs */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: number;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        reason: string;
                    };
                };
            };
            responses: {
                /** @description Cancelled, or told to stop where it runs. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            action: components["schemas"]["Action"];
                            /** @enum {string} */
                            outcome: "cancelled" | "stopping";
                        };
                    };
                };
                /** @description The request could not be read; nothing was recorded. */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The token is missing or nobody's. */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The Host or Origin is not ours, or the token's role does not allow it. */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such thing. */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The action is not where that is possible; nothing was changed. */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The request is too large. */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body does not say that it is JSON. */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The kernel cannot answer right now. */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The action ledger, ascending */
        get: {
            parameters: {
                query?: {
                    limit?: number;
                    proposalId?: number;
                    eventType?: "proposed" | "validated" | "approved" | "rejected" | "executing" | "completed" | "failed" | "cancelled" | "expired" | "kill_switch" | "mode_change";
                    newest?: string;
                    after?: number | null;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Oldest first. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            events: components["schemas"]["AuditEvent"][];
                        };
                    };
                };
                /** @description The request could not be read; nothing was recorded. */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The token is missing or nobody's. */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The Host or Origin is not ours, or the token's role does not allow it. */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such thing. */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The request is too large. */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body does not say that it is JSON. */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The kernel cannot answer right now. */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/rollback": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Go back to a release that was blessed before */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        reason: string;
                        to?: string;
                    };
                };
            };
            responses: {
                /** @description The release before serves; the changes are taken back on the base by runs of their own. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            fromSha: string;
                            toSha: string;
                        };
                    };
                };
                /** @description The request could not be read; nothing was recorded. */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The token is missing or nobody's. */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The Host or Origin is not ours, or the token's role does not allow it. */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such thing. */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description That is not possible now; nothing was changed. */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The request is too large. */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body does not say that it is JSON. */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The kernel cannot answer right now. */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/tools/{name}/call": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Ask a tool of the body that runs */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    name: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        input?: unknown;
                    };
                };
            };
            responses: {
                /** @description What the tool answered. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            output?: unknown;
                        };
                    };
                };
                /** @description The request could not be read; nothing was recorded. */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The token is missing or nobody's. */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The Host or Origin is not ours, or the token's role does not allow it. */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such thing. */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description That is not possible now; nothing was changed. */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The request is too large. */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body does not say that it is JSON. */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The kernel cannot answer right now. */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/holds": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What is refused until an operator lifts it */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description What is refused until an operator lifts it: goals, the base, changes. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            holds: components["schemas"]["Hold"][];
                        };
                    };
                };
                /** @description The request could not be read; nothing was recorded. */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The token is missing or nobody's. */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The Host or Origin is not ours, or the token's role does not allow it. */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such thing. */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The request is too large. */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body does not say that it is JSON. */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The kernel cannot answer right now. */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/holds/{id}/lift": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Let what is held be tried again */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        reason: string;
                    };
                };
            };
            responses: {
                /** @description The same may be proposed again. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            runId: string;
                        };
                    };
                };
                /** @description The request could not be read; nothing was recorded. */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The token is missing or nobody's. */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The Host or Origin is not ours, or the token's role does not allow it. */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such thing. */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description That is not possible now; nothing was changed. */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The request is too large. */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body does not say that it is JSON. */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The kernel cannot answer right now. */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/host": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What the credential may do on the repository host, asked there now */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description What the credential may do on the repository host. Asked there, now. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["HostReport"];
                    };
                };
                /** @description The request could not be read; nothing was recorded. */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The token is missing or nobody's. */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The Host or Origin is not ours, or the token's role does not allow it. */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such thing. */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The request is too large. */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body does not say that it is JSON. */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The kernel cannot answer right now. */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/recover": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Go on with a database that was restored from an older backup */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        reason: string;
                    };
                };
            };
            responses: {
                /** @description The ledger goes on from what was restored; promotion stays paused, the mode observe. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            recordId: number;
                            from: number;
                            to: number;
                        };
                    };
                };
                /** @description The request could not be read; nothing was recorded. */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The token is missing or nobody's. */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The Host or Origin is not ours, or the token's role does not allow it. */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such thing. */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is nothing to go on from, or a landing is still open. */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The request is too large. */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body does not say that it is JSON. */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The kernel cannot answer right now. */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/takeover": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Promote to the repository as it is now, instead of whoever did before */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        reason: string;
                    };
                };
            };
            responses: {
                /** @description This instance promotes there from now on. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            repositoryId: number;
                            baseBranch: string;
                            before: string | null;
                            restartNeeded: boolean;
                        };
                    };
                };
                /** @description The request could not be read; nothing was recorded. */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The token is missing or nobody's. */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The Host or Origin is not ours, or the token's role does not allow it. */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such thing. */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description That is not possible now; nothing was changed. */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The request is too large. */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body does not say that it is JSON. */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The kernel cannot answer right now. */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Sessions of actions that may only observe, oldest first */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description What may only observe, oldest first. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            sessions: components["schemas"]["Session"][];
                        };
                    };
                };
                /** @description The request could not be read; nothing was recorded. */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The token is missing or nobody's. */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The Host or Origin is not ours, or the token's role does not allow it. */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such thing. */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The request is too large. */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body does not say that it is JSON. */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The kernel cannot answer right now. */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/sessions/{id}/release": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Let a session act again */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        reason: string;
                    };
                };
            };
            responses: {
                /** @description The session may act again. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            sessionId: string;
                        };
                    };
                };
                /** @description The request could not be read; nothing was recorded. */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The token is missing or nobody's. */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The Host or Origin is not ours, or the token's role does not allow it. */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such thing. */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The request is too large. */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body does not say that it is JSON. */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The kernel cannot answer right now. */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/goals": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Goals, newest first, with what they cost */
        get: {
            parameters: {
                query?: {
                    limit?: number;
                    state?: "open" | "running" | "paused" | "reached" | "given-up" | "cancelled";
                    before?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Newest first; `model` is null where none is configured, and goals wait. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            goals: components["schemas"]["ListedGoal"][];
                            model: string | null;
                        };
                    };
                };
                /** @description The request could not be read; nothing was recorded. */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The token is missing or nobody's. */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The Host or Origin is not ours, or the token's role does not allow it. */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such thing. */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The request is too large. */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body does not say that it is JSON. */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The kernel cannot answer right now. */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        /** Hand in a goal */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        text: string;
                        /** @default 0 */
                        priority?: number;
                        maxAttempts?: number;
                        maxTokens?: number;
                        maxMicroUsd?: number;
                        maxSteps?: number;
                        maxMinutes?: number;
                    };
                };
            };
            responses: {
                /** @description The goal as it is now. */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            goal: components["schemas"]["Goal"];
                        };
                    };
                };
                /** @description The request could not be read; nothing was recorded. */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The token is missing or nobody's. */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The Host or Origin is not ours, or the token's role does not allow it. */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such thing. */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The goal is not where that is possible; nothing was changed. */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The request is too large. */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body does not say that it is JSON. */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The kernel cannot answer right now. */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/goals/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One goal, with its attempts */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description One goal with its attempts and what they cost. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            goal: components["schemas"]["Goal"];
                            attempts: components["schemas"]["GoalAttempt"][];
                            spent: components["schemas"]["Spent"];
                        };
                    };
                };
                /** @description The request could not be read; nothing was recorded. */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The token is missing or nobody's. */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The Host or Origin is not ours, or the token's role does not allow it. */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such thing. */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The request is too large. */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body does not say that it is JSON. */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The kernel cannot answer right now. */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/goals/{id}/{move}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Let a goal wait, go on, or end */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                    move: "pause" | "resume" | "cancel";
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        reason: string;
                    };
                };
            };
            responses: {
                /** @description The goal as it is now. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            goal: components["schemas"]["Goal"];
                        };
                    };
                };
                /** @description The request could not be read; nothing was recorded. */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The token is missing or nobody's. */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The Host or Origin is not ours, or the token's role does not allow it. */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such thing. */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The goal is not where that is possible; nothing was changed. */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The request is too large. */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body does not say that it is JSON. */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The kernel cannot answer right now. */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/runs/{id}/reasons": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Why a run does not go on, by the function that decides */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Why it does not go on: what was decided, and what the same function decides now. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["RunReasons"];
                    };
                };
                /** @description The request could not be read; nothing was recorded. */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The token is missing or nobody's. */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The Host or Origin is not ours, or the token's role does not allow it. */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such thing. */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The request is too large. */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body does not say that it is JSON. */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The kernel cannot answer right now. */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/runs/{id}/patch": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What was handed in */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The patch as it was handed in; text of a candidate. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["RunPatch"];
                    };
                };
                /** @description The request could not be read; nothing was recorded. */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The token is missing or nobody's. */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The Host or Origin is not ours, or the token's role does not allow it. */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such thing. */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The request is too large. */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body does not say that it is JSON. */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The kernel cannot answer right now. */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/releases": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What was promoted, and what became of it */
        get: {
            parameters: {
                query?: {
                    limit?: number;
                    before?: number;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description What was promoted or vouched for, newest first, and what became of it; `before` is an `eventId`. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            serving: string | null;
                            baseline: string | null;
                            releases: components["schemas"]["Release"][];
                        };
                    };
                };
                /** @description The request could not be read; nothing was recorded. */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The token is missing or nobody's. */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The Host or Origin is not ours, or the token's role does not allow it. */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such thing. */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The request is too large. */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body does not say that it is JSON. */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The kernel cannot answer right now. */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/trends": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What happened on each day */
        get: {
            parameters: {
                query?: {
                    days?: number;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Each day with an event, oldest first, in UTC; `author` is what models took in all of them. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            days: components["schemas"]["TrendDay"][];
                            author: components["schemas"]["AuthorCost"];
                        };
                    };
                };
                /** @description The request could not be read; nothing was recorded. */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The token is missing or nobody's. */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The Host or Origin is not ours, or the token's role does not allow it. */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such thing. */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The request is too large. */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body does not say that it is JSON. */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The kernel cannot answer right now. */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/ledger": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What the newest verification of the ledger found */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description What is sealed, and what the newest verification found, of any cause and of the schedule. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            size: number | null;
                            problem: {
                                reason: string;
                                detail: string;
                            } | null;
                            verifyingSince: string | null;
                            newest: components["schemas"]["LedgerVerification"] | null;
                            scheduled: components["schemas"]["LedgerVerification"] | null;
                        };
                    };
                };
                /** @description The request could not be read; nothing was recorded. */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The token is missing or nobody's. */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The Host or Origin is not ours, or the token's role does not allow it. */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such thing. */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The request is too large. */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body does not say that it is JSON. */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The kernel cannot answer right now. */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/ledger/verify": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Compute the whole ledger again */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @default 20000 */
                        waitMs?: number;
                    };
                };
            };
            responses: {
                /** @description What `jarvis ledger verify` answers. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["LedgerReport"];
                    };
                };
                /** @description It takes longer; `GET /api/ledger` has the result once it has ended. */
                202: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            verifyingSince: string;
                        };
                    };
                };
                /** @description The request could not be read; nothing was recorded. */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The token is missing or nobody's. */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The Host or Origin is not ours, or the token's role does not allow it. */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such thing. */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The request is too large. */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body does not say that it is JSON. */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The kernel cannot answer right now. */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/stream": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Follow the ledger and the kernel, as server-sent events */
        get: {
            parameters: {
                query?: {
                    after?: string;
                };
                header?: {
                    "last-event-id"?: string;
                };
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Server-sent events: `hello` first; `ledger` with a row of the ledger, at least once, as it is committed; `status` when the kernel's state changed; `actions` when one was proposed or moved; `beat`; `behind` before a client that is too slow is let go. `Last-Event-ID` or `after` goes on behind an id. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/event-stream": string;
                    };
                };
                /** @description The request could not be read; nothing was recorded. */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The token is missing or nobody's. */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The Host or Origin is not ours, or the token's role does not allow it. */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such thing. */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The request is too large. */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body does not say that it is JSON. */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The kernel cannot answer right now. */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/login-links": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Make a link that lets one browser in */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @enum {string} */
                        role?: "read" | "propose" | "operate" | "approve";
                    };
                };
            };
            responses: {
                /** @description A link that lets one browser in, once; for tokens only. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            url: string;
                            /** @enum {string} */
                            role: "read" | "propose" | "operate" | "approve";
                            expiresAt: string;
                        };
                    };
                };
                /** @description The request could not be read; nothing was recorded. */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The token is missing or nobody's. */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The Host or Origin is not ours, or the token's role does not allow it. */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such thing. */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The token cannot give that role, or a browser asks. */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The request is too large. */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body does not say that it is JSON. */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The kernel cannot answer right now. */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/login": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Exchange the code of a link for a session */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        code: string;
                    };
                };
            };
            responses: {
                /** @description The browser is let in: a cookie, and a key for the header `x-jarvis-key`. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Caller"] & {
                            key: string;
                        };
                    };
                };
                /** @description The request could not be read; nothing was recorded. */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The token is missing or nobody's. */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The Host or Origin is not ours, or the token's role does not allow it. */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such thing. */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The request is too large. */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body does not say that it is JSON. */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description Too many wrong codes; wait a little. */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The kernel cannot answer right now. */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/whoami": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Who asks, and what they may do */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Who asks, and what they may do. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Caller"];
                    };
                };
                /** @description The request could not be read; nothing was recorded. */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The token is missing or nobody's. */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The Host or Origin is not ours, or the token's role does not allow it. */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such thing. */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The request is too large. */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body does not say that it is JSON. */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The kernel cannot answer right now. */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/logout": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** End a browser's session */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The session is over; false where a token asks. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            closed: boolean;
                        };
                    };
                };
                /** @description The request could not be read; nothing was recorded. */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The token is missing or nobody's. */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The Host or Origin is not ours, or the token's role does not allow it. */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description There is no such thing. */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The request is too large. */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The body does not say that it is JSON. */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
                /** @description The kernel cannot answer right now. */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        Status: {
            wayOut: {
                /** @enum {string} */
                state: "kernel-silent" | "kernel-stopped" | "disk-low" | "sandbox-unavailable" | "base-rewritten" | "base-unverified" | "not-serving" | "killed" | "observing" | "promotion-paused" | "revert-stuck" | "base-held" | "run-waits" | "goal-held" | "clear" | "standby";
                because: string;
                command: string | null;
            };
            room: {
                /** @enum {string} */
                level: "enough" | "low" | "short";
                detail: string;
            };
            holds: {
                id: string;
                /** @enum {string} */
                kind: "change" | "goal" | "base";
                title: string;
            }[];
            kernel: {
                pid: number;
                url: string;
                startedAt: string;
                release: {
                    sha: string;
                    releaseDigest: string;
                } | null;
                moving: boolean;
                leftOut: {
                    sha: string;
                    why: string;
                }[];
                /** @enum {string} */
                role: "leads" | "standby";
                leader: {
                    host: string;
                    pid: number;
                    url: string | null;
                } | null;
            };
            repository: {
                directory: string;
                head: string;
                branch: string | null;
                uncommitted: string[];
            };
            promotion: components["schemas"]["PromotionControl"];
            safety: {
                /** @enum {string} */
                mode: "observe" | "execute";
                reason: string;
                killSwitch: boolean;
                updatedBy: string | null;
                updatedAt: string | null;
            };
            base: {
                branch: string;
                lastSeen: string | null;
            };
            serving: string | null;
            baseline: string | null;
            body: components["schemas"]["Body"];
            openRuns: components["schemas"]["Run"][];
            sandbox: {
                available: boolean;
                /** @enum {string|null} */
                tier: "bubblewrap" | "bubblewrap-dropped-uid" | null;
                message: string | null;
            };
            database: {
                /** @enum {string} */
                server: "embedded" | "external";
                /** @description `guard` as words for a person. */
                ledger: string;
                /**
                 * @description What keeps rows of the ledger from being changed.
                 * @enum {string}
                 */
                guard: "enforced" | "owner-ddl-unguarded" | "superuser-login";
                /** @description What a superuser runs once to have it `enforced`; null where it is. */
                mendSql: string | null;
            };
            ledger: {
                size: number | null;
                problem: {
                    reason: string;
                    detail: string;
                } | null;
                verifiedAt: string | null;
                verifyingSince: string | null;
                pushedSize: number | null;
                pushProblem: string | null;
            };
            host: {
                /** @enum {string} */
                kind: "github" | "forge";
                webUrl: string;
                cloneUrl: string;
                /**
                 * @description Whether the host itself refuses what was not let through.
                 * @enum {string}
                 */
                fence: "enforced" | "none" | "unknown";
            };
            lastProblem: string | null;
        };
        PromotionControl: {
            paused: boolean;
            reason: string;
            updatedBy: string;
            updatedAt: string;
            problem: string | null;
        };
        Body: {
            /** @enum {string} */
            state: "starting" | "running" | "pausing" | "suspended" | "gave-up" | "stopped" | "preparing";
            tools: string[];
            releaseDigest: string | null;
            earlier: string[];
            window: {
                runId: string;
                /** @enum {string} */
                verdict: "healthy" | "degraded" | "undecided";
                reasons: ("did-not-start" | "crash-loop" | "heartbeat-lost" | "answers-wrong-in-a-row" | "error-rate-risen" | "cycle-errors-risen" | "latency-risen" | "memory-over-limit" | "memory-leak" | "body-reports-unwell" | "not-started" | "suspended" | "watching" | "too-few-exposures" | "too-early" | "error-rate-not-shown-low" | "errors-above-record" | "cycle-errors-above-record" | "no-cycles" | "no-latency-samples" | "latency-above-record" | "no-memory-samples" | "memory-growing" | "memory-above-record" | "heartbeat-late" | "maximum-reached")[];
                /** @description Answers that counted. */
                exposures: number;
                /** @description Those of them that were wrong, late or missing. */
                errors: number;
            } | null;
            problem: string | null;
        } | null;
        Run: {
            runId: string;
            /** @enum {string} */
            status: "new" | "attested" | "proposed" | "tested" | "parked" | "blocked" | "promoted" | "failed" | "watched" | "window-passed" | "blessed" | "window-failed" | "rolling-back" | "rolled-back" | "rollback-failed" | "unreadable";
            /** @description How many times it was begun: a parked run begins again. */
            attempt: number;
            title: string | null;
            blockReasons: ("promotion-paused" | "observe-only" | "kill-switch-active" | "github-not-connected" | "repository-identity-changed" | "repository-owned" | "rate-budget-low" | "sandbox-unavailable" | "disk-low" | "database-unreachable" | "status-missing" | "status-pending" | "ledger-mismatch" | "ledger-behind" | "ledger-unsealed" | "base-unverified" | "session-at-risk" | "action-denied" | "evaluator-changed" | "dependencies-changed" | "kernel-closure" | "protected-path" | "migration-irreversible" | "isolated-verification-failed" | "verdict-not-trusted" | "status-failing" | "base-moved" | "base-rewritten" | "base-not-strict" | "landing-unresolved" | "landing-refused" | "branch-occupied" | "tree-mismatch" | "health-window-open" | "rollback-required" | "held-after-rollback" | "goal-paused" | "revert-conflict" | "revert-failed" | "hold-lifted" | "does-not-apply" | "empty-change" | "path-traversal" | "absolute-path" | "git-directory" | "symlink" | "submodule" | "file-mode" | "git-hook" | "attribute-filter" | "control-characters" | "binary-change" | "patch-too-large")[];
            pullRequestUrl: string | null;
            mergeSha: string | null;
            startedAt: string | null;
            updatedAt: string | null;
            endedAt: string | null;
            progress: {
                what: string;
                since: string;
            } | null;
        };
        Problem: {
            error: {
                /** @example invalid-proposal */
                code: string;
                message: string;
            };
        };
        SelfExtension: {
            paused: boolean;
            promotion: components["schemas"]["PromotionControl"];
            lastEvent: components["schemas"]["Event"] | null;
            lastPromotion: components["schemas"]["Event"] | null;
            lastVerification: components["schemas"]["Event"] | null;
            lastRollback: components["schemas"]["Event"] | null;
        };
        Event: {
            id: string;
            runId: string;
            correlationId: string;
            seq: number;
            /** @enum {string} */
            type: "proposed" | "tested" | "promotion_blocked" | "promoted" | "failed" | "health_window_started" | "health_window_passed" | "baseline_blessed" | "health_window_failed" | "rollback_started" | "rolled_back" | "rollback_failed" | "promotion_pause_changed";
            stage: string;
            context: {
                [key: string]: unknown;
            };
            payload: {
                [key: string]: unknown;
            };
            createdAt: string;
        };
        RunDetail: {
            run: components["schemas"]["Run"];
            result: {
                /** @description True where it was promoted and nothing speaks against it so far. */
                success: boolean;
                /** @description Why there is no success, as a sentence; null where there is. */
                error: string | null;
                /** @description The run's id, a UUIDv7. */
                lifecycleRunId: string;
                /** @description The branch of its pull request. */
                branchName: string | null;
                /** @description The commit that was to land, on that branch. */
                headSha: string | null;
                /** @description Where a person can look at the pull request. */
                pullRequestUrl: string | null;
                /** @description The pull request's number on the host. */
                pullRequestNumber: number | null;
                /** @description The commit status with the sandbox's verdict: `jarvis/sandbox`. */
                evidenceStatusContext: string;
                /**
                 * @description The verdict; `missing`: the run failed before there was one.
                 * @enum {string}
                 */
                evidenceState: "success" | "failure" | "pending" | "missing";
                /** @description Whether anything was sent to the host to promote it. */
                promotionAttempted: boolean;
                /** @description Whether it landed, whatever became of it afterwards. */
                promotionSucceeded: boolean;
                /** @description Whether it is blocked, or parked until a reason passes. */
                promotionBlocked: boolean;
                /** @description Why it is blocked or parked; empty where it is not. */
                blockReasons: ("promotion-paused" | "observe-only" | "kill-switch-active" | "github-not-connected" | "repository-identity-changed" | "repository-owned" | "rate-budget-low" | "sandbox-unavailable" | "disk-low" | "database-unreachable" | "status-missing" | "status-pending" | "ledger-mismatch" | "ledger-behind" | "ledger-unsealed" | "base-unverified" | "session-at-risk" | "action-denied" | "evaluator-changed" | "dependencies-changed" | "kernel-closure" | "protected-path" | "migration-irreversible" | "isolated-verification-failed" | "verdict-not-trusted" | "status-failing" | "base-moved" | "base-rewritten" | "base-not-strict" | "landing-unresolved" | "landing-refused" | "branch-occupied" | "tree-mismatch" | "health-window-open" | "rollback-required" | "held-after-rollback" | "goal-paused" | "revert-conflict" | "revert-failed" | "hold-lifted" | "does-not-apply" | "empty-change" | "path-traversal" | "absolute-path" | "git-directory" | "symlink" | "submodule" | "file-mode" | "git-hook" | "attribute-filter" | "control-characters" | "binary-change" | "patch-too-large")[];
                /** @description The host's own words where it refused the landing, at most 2,000 characters. */
                mergeError: string | null;
                /** @description Whether going back from it was begun. */
                rollbackAttempted: boolean;
                /**
                 * @description How far going back has come; null where nobody began it.
                 * @enum {string|null}
                 */
                rollbackStatus: "started" | "rolled-back" | "failed" | null;
                /** @description Why Jarvis went back, or could not. */
                rollbackReason: string | null;
                /** @description The commit that it went back to. */
                rollbackTargetBaselineSha: string | null;
                /** @description The run that takes the change back on the base. */
                rollbackRunId: string | null;
                /** @description How many stages passed, of how many. */
                verificationSummary: string | null;
                /** @description Every stage, in its order; empty where the evidence is no longer kept. */
                verificationDiagnostics: {
                    /** @description The stage's name in `jarvis.config.json`. */
                    name: string;
                    /**
                     * @description How it ended; `error` is nobody's verdict: the machine failed.
                     * @enum {string}
                     */
                    status: "passed" | "failed" | "error" | "not-run";
                    /** @description How long it took, in milliseconds. */
                    durationMs: number;
                    /**
                     * @description Why it did not pass, as a closed word; null if it passed or did not run.
                     * @enum {string|null}
                     */
                    category: "exit-code" | "crashed" | "wall-timeout" | "memory" | "output-limit" | "disk-limit" | "aborted" | "output-refused" | "tests-failed" | "no-tests" | "examples-invalid" | "smoke-failed" | "migration-irreversible" | "verdict-not-trusted" | "infrastructure" | null;
                    /** @description Why it did not pass, as a sentence, partly in the candidate's words; null if it did. */
                    reason: string | null;
                    /**
                     * @description What the stage does: the `kind` of the configuration.
                     * @enum {string}
                     */
                    kind: "build" | "check" | "test" | "smoke" | "migration";
                    /** @description When it began, UTC ISO 8601. */
                    startedAt: string;
                    /** @description When it ended, UTC ISO 8601. */
                    endedAt: string;
                    /** @description How its program ended: an exit code, a signal, or why it was killed. */
                    exit: string | null;
                    /** @description The last of its output, at most 8,000 characters: a candidate's text, shown only. */
                    outputTail: string;
                    /** @description Names of tests that failed or did not run: a candidate's text, shown only. */
                    failingTests: string[];
                }[];
                /**
                 * @description What all stages add up to; `error` is nobody's verdict: the machine failed.
                 * @enum {string}
                 */
                verificationOverallStatus: "passed" | "failed" | "error" | "not-run";
                /** @description The name of the first that did not pass. */
                verificationFailedStage: string | null;
                /**
                 * @description Why that stage did not pass, as a closed word.
                 * @enum {string|null}
                 */
                verificationFailureCategory: "exit-code" | "crashed" | "wall-timeout" | "memory" | "output-limit" | "disk-limit" | "aborted" | "output-refused" | "tests-failed" | "no-tests" | "examples-invalid" | "smoke-failed" | "migration-irreversible" | "verdict-not-trusted" | "infrastructure" | null;
                /** @description Why it did not, as a sentence. */
                verificationFailureReason: string | null;
                /** @description Its events in the ledger, in their order. */
                eventIds: string[];
                /** @description The commit that it was put on. */
                baseSha: string | null;
                /** @description The git tree that was staged: what was verified. */
                treeSha: string | null;
                /** @description The commit of the base that it landed as. */
                mergeSha: string | null;
                /** @description The digest of what was built, `sha256:<64 hex>`. */
                releaseDigest: string | null;
                /**
                 * @description What its tests show; `in-process`: they ran beside the code that they test.
                 * @enum {string}
                 */
                testEvidence: "black-box" | "in-process" | "none";
                /**
                 * @description Where the run stands.
                 * @enum {string}
                 */
                status: "new" | "attested" | "proposed" | "tested" | "parked" | "blocked" | "promoted" | "failed" | "watched" | "window-passed" | "blessed" | "window-failed" | "rolling-back" | "rolled-back" | "rollback-failed" | "unreadable";
                /** @description How many times it was begun: a parked run begins again. */
                attempt: number;
            };
            events: components["schemas"]["Event"][];
            cost: {
                goalId: string;
                attempt: number;
                spent: components["schemas"]["Spent"];
            } | null;
        };
        Spent: {
            inputTokens: number;
            outputTokens: number;
            /** @description In millionths of a dollar. */
            microUsd: number;
            /** @description Answers of a model. */
            steps: number;
            /** @description How long models took, in milliseconds. */
            durationMs: number;
        };
        PauseAnswer: {
            paused: boolean;
            acknowledged: boolean;
            drained: {
                runId: string;
                headSha: string;
                /** @enum {string} */
                outcome: "landed" | "did-not-happen";
                /** @description By what it is known: a word of `knownBy` in `promotion-intents.ts`. */
                knownBy: string;
                mergeSha: string | null;
            }[];
            unresolved: {
                runId: string;
                headSha: string;
                why: string;
            }[];
            reverts: {
                runId: string;
                mergeSha: string;
            }[];
            /** @enum {string} */
            fence: "enforced" | "none" | "unknown";
            inFlight: string[];
        };
        KillAnswer: {
            cancelledCount: number;
            stopped: {
                /** @enum {string} */
                kind: "action" | "sandbox" | "body" | "process";
                name: string;
                id: number | null;
                runId: string | null;
                /** @enum {string} */
                was: "pending" | "running";
            }[];
        };
        Action: {
            id: number;
            /** @enum {string} */
            state: "proposed" | "validated" | "approved" | "executing" | "completed" | "failed" | "cancelled" | "rejected" | "expired";
            version: number;
            actionName: string;
            parameters: {
                [key: string]: unknown;
            };
            digest: string;
            reason: string;
            /** @enum {string} */
            effect: "read" | "write-workspace" | "network" | "process" | "promotion" | "irreversible";
            /** @enum {string} */
            risk: "low" | "medium" | "high" | "critical";
            needsApproval: boolean;
            /** @enum {string} */
            requesterKind: "agent" | "user" | "system";
            requestedBy: string;
            agentId: string | null;
            sessionId: string;
            approvedBy: string | null;
            approvalExpiresAt: string | null;
            stopReason: string | null;
            endReason: string | null;
            createdAt: string;
            updatedAt: string;
            startedAt: string | null;
            endedAt: string | null;
        };
        AuditEvent: {
            id: number;
            proposalId: number | null;
            /** @enum {string} */
            eventType: "proposed" | "validated" | "approved" | "rejected" | "executing" | "completed" | "failed" | "cancelled" | "expired" | "kill_switch" | "mode_change";
            eventData: {
                [key: string]: unknown;
            } | null;
            /** @enum {string} */
            actor: "agent" | "user" | "system";
            timestamp: string;
            createdAt: string;
        };
        Execution: {
            /** @enum {string} */
            outcome: "completed" | "failed" | "cancelled" | "refused";
            result?: unknown;
            detail: string | null;
        };
        Hold: {
            runId: string;
            /** @enum {string} */
            kind: "change" | "goal" | "base";
            title: string;
            since: string;
        };
        HostReport: {
            repository: string;
            account: string;
            permissions: string[];
            protection: {
                /** @enum {string} */
                standing: "enforced" | "not-for-this-credential" | "none" | "unknown";
                contexts: string[];
                strict: boolean;
                obstacles: {
                    branch: string;
                    rule: string;
                    ruleset: string;
                    why: string;
                }[] | null;
            };
            workflows: {
                path: string;
                events: string[];
                seesSecrets: boolean;
            }[] | null;
            /** @enum {string} */
            ownership: "ours" | "nobody" | "another-instance";
            identityProblem: string | null;
        };
        Session: {
            sessionId: string;
            reason: string;
            updatedBy: string;
            since: string;
        };
        ListedGoal: components["schemas"]["Goal"] & {
            spent: components["schemas"]["Spent"];
        };
        Goal: {
            id: string;
            text: string;
            priority: number;
            /** @enum {string} */
            state: "open" | "running" | "paused" | "reached" | "given-up" | "cancelled";
            detail: string | null;
            attempts: number;
            maxAttempts: number | null;
            maxTokens: number | null;
            maxMicroUsd: number | null;
            maxSteps: number | null;
            maxMinutes: number | null;
            requestedBy: string;
            createdAt: string;
            updatedAt: string;
            endedAt: string | null;
        };
        GoalAttempt: {
            number: number;
            /** @enum {string} */
            state: "working" | "proposed" | "ended";
            runId: string | null;
            outcome: string | null;
            report: string | null;
            startedAt: string;
            endedAt: string | null;
            spent: components["schemas"]["Spent"];
        };
        RunReasons: {
            recorded: {
                /** @enum {string} */
                reason: "promotion-paused" | "observe-only" | "kill-switch-active" | "github-not-connected" | "repository-identity-changed" | "repository-owned" | "rate-budget-low" | "sandbox-unavailable" | "disk-low" | "database-unreachable" | "status-missing" | "status-pending" | "ledger-mismatch" | "ledger-behind" | "ledger-unsealed" | "base-unverified" | "session-at-risk" | "action-denied" | "evaluator-changed" | "dependencies-changed" | "kernel-closure" | "protected-path" | "migration-irreversible" | "isolated-verification-failed" | "verdict-not-trusted" | "status-failing" | "base-moved" | "base-rewritten" | "base-not-strict" | "landing-unresolved" | "landing-refused" | "branch-occupied" | "tree-mismatch" | "health-window-open" | "rollback-required" | "held-after-rollback" | "goal-paused" | "revert-conflict" | "revert-failed" | "hold-lifted" | "does-not-apply" | "empty-change" | "path-traversal" | "absolute-path" | "git-directory" | "symlink" | "submodule" | "file-mode" | "git-hook" | "attribute-filter" | "control-characters" | "binary-change" | "patch-too-large";
                meaning: string;
            }[];
            detail: string | null;
            now: {
                /** @enum {string} */
                reason: "promotion-paused" | "observe-only" | "kill-switch-active" | "github-not-connected" | "repository-identity-changed" | "repository-owned" | "rate-budget-low" | "sandbox-unavailable" | "disk-low" | "database-unreachable" | "status-missing" | "status-pending" | "ledger-mismatch" | "ledger-behind" | "ledger-unsealed" | "base-unverified" | "session-at-risk" | "action-denied" | "evaluator-changed" | "dependencies-changed" | "kernel-closure" | "protected-path" | "migration-irreversible" | "isolated-verification-failed" | "verdict-not-trusted" | "status-failing" | "base-moved" | "base-rewritten" | "base-not-strict" | "landing-unresolved" | "landing-refused" | "branch-occupied" | "tree-mismatch" | "health-window-open" | "rollback-required" | "held-after-rollback" | "goal-paused" | "revert-conflict" | "revert-failed" | "hold-lifted" | "does-not-apply" | "empty-change" | "path-traversal" | "absolute-path" | "git-directory" | "symlink" | "submodule" | "file-mode" | "git-hook" | "attribute-filter" | "control-characters" | "binary-change" | "patch-too-large";
                detail: string;
            }[];
            needsPerson: boolean;
        };
        RunPatch: {
            digest: string | null;
            patch: string | null;
            bytes: number;
            isCut: boolean;
        };
        Release: {
            runId: string;
            sha: string;
            parentSha: string | null;
            title: string | null;
            status: string;
            releaseDigest: string | null;
            isHeld: boolean;
            rollback: {
                toSha: string | null;
                runId: string | null;
            } | null;
            at: string | null;
            eventId: string;
        };
        TrendDay: {
            day: string;
            proposals: number;
            passed: number;
            notPassed: number;
            promoted: number;
            blocked: number;
            rolledBack: number;
            blessed: number;
            verificationMs: number | null;
        };
        AuthorCost: {
            attempts: number;
            accepted: number;
            inputTokens: number;
            outputTokens: number;
            microUsd: number;
        };
        LedgerVerification: {
            startedAt: string;
            endedAt: string;
            /** @enum {string} */
            cause: "scheduled" | "asked" | "restored";
            report: components["schemas"]["LedgerReport"];
        };
        LedgerReport: {
            ok: boolean;
            size: number;
            checkpoints: number;
            checkpoint: {
                size: number;
                root: string;
            } | null;
            anchors: number;
            unsealed: number;
            divergences: {
                attack: string;
                leafIndex: number | null;
                ledger: string | null;
                eventId: number | null;
                detail: string;
                meaning: string;
            }[];
            remarks: {
                code: string;
                detail: string;
            }[];
            durationMs: number;
        };
        Caller: {
            name: string;
            /** @enum {string} */
            role: "read" | "propose" | "operate" | "approve";
            operations: ("read" | "propose" | "switch" | "approve" | "reject")[];
            expiresAt: string | null;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export type operations = Record<string, never>;

export const eventTypes = ["proposed","tested","promotion_blocked","promoted","failed","health_window_started","health_window_passed","baseline_blessed","health_window_failed","rollback_started","rolled_back","rollback_failed","promotion_pause_changed"] as const;
