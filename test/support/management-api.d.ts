/* Made from the OpenAPI document by test/api/openapi.test.ts; do not edit. */
export interface paths {
    "/api/v1/me": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Who is calling, and what the token allows
         * @description For everybody with a token.
         */
        get: operations["readMe"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/overview": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The caller's account at a glance
         * @description For admins of accounts, and operators.
         */
        get: operations["readOverview"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/key-pair": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The caller's own key pair
         * @description For admins of accounts, and operators.
         */
        get: operations["readOwnKeyPair"];
        put?: never;
        /**
         * A new id and secret in place of the caller's own
         * @description The former pair is dead, with every token of it, when this is answered. Sent with the former pair's own token,
         *     there is no second try: the token is dead too. For admins of accounts, and operators.
         */
        post: operations["generateOwnKeyPair"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/{user_id}/key-pair": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * A person's key pair
         * @description For admins of accounts, and operators.
         */
        get: operations["readKeyPair"];
        put?: never;
        /**
         * A new id and secret in place of a person's
         * @description The former pair is dead, with every token of it, when this is answered. Sent with the former pair's own token,
         *     there is no second try: the token is dead too. Colleagues make their own: for somebody else, only operators may. For admins of accounts, and operators.
         */
        post: operations["generateKeyPair"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/applications": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Applications, the newest first
         * @description For admins of accounts, and operators.
         */
        get: operations["listApplications"];
        put?: never;
        /**
         * Register an application
         * @description For admins of accounts, and operators.
         */
        post: operations["createApplication"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/applications/{client_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * One application with its use
         * @description For admins of accounts, and operators.
         */
        get: operations["readApplication"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Change an application
         * @description Tokens, refresh tokens, codes and consents that exceed the new rights are revoked; tokens within them stay active. An API key is in the answer when the application needs one from now on. For admins of accounts, and operators.
         */
        patch: operations["updateApplication"];
        trace?: never;
    };
    "/api/v1/applications/{client_id}/archive": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Stop an application, with all that it holds
         * @description For admins of accounts, and operators.
         */
        post: operations["archiveApplication"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/applications/{client_id}/restore": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Let an archived application work again; what it held stays revoked
         * @description It gets a new secret, which is in the answer and never shown again, because the archived one may have leaked. With keep_secret the archived one works again. For admins of accounts, and operators.
         */
        post: operations["restoreApplication"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/applications/{client_id}/secrets/{secret_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * End a previous secret before its overlap is over, with the tokens that it obtained
         * @description For admins of accounts, and operators.
         */
        delete: operations["retireApplicationSecret"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/applications/{client_id}/secrets": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * A new secret, and a new API key where it needs one
         * @description For admins of accounts, and operators.
         */
        post: operations["rotateApplicationSecret"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/applications/{client_id}/tokens": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Access tokens of an application or key pair that work, the newest first
         * @description For admins of accounts, and operators.
         */
        get: operations["listTokens"];
        put?: never;
        post?: never;
        /**
         * End every access and refresh token of an application or key pair; it may get new ones
         * @description For admins of accounts, and operators.
         */
        delete: operations["revokeTokensOfClient"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/applications/{client_id}/tokens/{jti}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * End one access token
         * @description For admins of accounts, and operators.
         */
        delete: operations["revokeToken"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/applications/{client_id}/grants": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Refresh tokens of an application or key pair that work, the newest first
         * @description For admins of accounts, and operators.
         */
        get: operations["listGrants"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/applications/{client_id}/grants/{grant_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * End one refresh token with every access token that came of it
         * @description For admins of accounts, and operators.
         */
        delete: operations["revokeGrant"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/{user_id}/tokens": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * End every token in a person's name, those of their key pair, and their sessions
         * @description For admins of accounts, and operators.
         */
        delete: operations["revokeTokensOfUser"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * People, in the order of their addresses
         * @description For admins of accounts, and operators.
         */
        get: operations["listUsers"];
        put?: never;
        /**
         * Create a user
         * @description The user has no password. A person gives them a one-time password in the console or with `keywright user reset-password`: a program never receives one. For admins of accounts, and operators.
         */
        post: operations["inviteUser"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/{user_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * One person
         * @description For admins of accounts, and operators.
         */
        get: operations["readUser"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Change a person's name, address or role
         * @description A user who becomes a member loses their key pair for good. A token that acts for a person, such as the token of a key pair, cannot change an email address. For admins of accounts, and operators.
         */
        patch: operations["saveUserDetails"];
        trace?: never;
    };
    "/api/v1/users/{user_id}/disable": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Switch a person off, with their sessions and every token in their name
         * @description For admins of accounts, and operators.
         */
        post: operations["disableUser"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/{user_id}/enable": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Switch a person on again; what ended stays ended
         * @description For admins of accounts, and operators.
         */
        post: operations["enableUser"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/{user_id}/password": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Withdraw a user's password and end their sessions
         * @description They cannot sign in until a person gives them a one-time password in the console or with `keywright user reset-password`: a program never receives one. Refused for the caller, and for the last admin or operator who can sign in. For admins of accounts, and operators.
         */
        post: operations["resetPassword"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/activity": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What was done, by whom and from where, the latest first
         * @description For admins of accounts, and operators.
         */
        get: operations["listActivity"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/activity/export": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The same as JSON lines, all of it
         * @description At most four at once for each caller, and for ten minutes each. One that cannot go on, also because its token ended, is cut off, without the end that HTTP gives to what is whole. For admins of accounts, and operators.
         */
        get: operations["exportActivity"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/accounts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Accounts, in the order of their names
         * @description For operators.
         */
        get: operations["listAccounts"];
        put?: never;
        /**
         * Add an account
         * @description For operators.
         */
        post: operations["createAccount"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/accounts/{account_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * One account; admins may read their own
         * @description For admins of accounts, and operators.
         */
        get: operations["readAccount"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Rename an account
         * @description For operators.
         */
        patch: operations["updateAccount"];
        trace?: never;
    };
    "/api/v1/accounts/{account_id}/disable": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Switch an account off, with all that its people and clients hold
         * @description For operators.
         */
        post: operations["disableAccount"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/accounts/{account_id}/enable": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Switch an account on again; what ended stays ended
         * @description For operators.
         */
        post: operations["enableAccount"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/accounts/{account_id}/api/disable": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Switch the API off for an account, with every token of its clients
         * @description For operators.
         */
        post: operations["disableAccountApi"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/accounts/{account_id}/api/enable": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Switch the API on again for an account
         * @description For operators.
         */
        post: operations["enableAccountApi"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/apis": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * APIs, the oldest first
         * @description For admins of accounts, and operators.
         */
        get: operations["listApis"];
        put?: never;
        /**
         * Declare an API
         * @description For operators.
         */
        post: operations["createApi"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/apis/{identifier}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * One API
         * @description For admins of accounts, and operators.
         */
        get: operations["readApi"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Change an API
         * @description Tokens, refresh tokens and consents with a scope that is removed are revoked; others stay as they are. For operators.
         */
        patch: operations["updateApi"];
        trace?: never;
    };
    "/api/v1/apis/{identifier}/secrets": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * A new secret of the API's own client, by which it introspects
         * @description For operators.
         */
        post: operations["rotateApiSecret"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/instance": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The settings of the whole instance
         * @description For operators.
         */
        get: operations["readInstance"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Change the settings of the whole instance
         * @description For operators.
         */
        patch: operations["updateInstance"];
        trace?: never;
    };
    "/api/v1/instance/api/disable": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Switch the API of the whole instance off
         * @description Every token of everybody is dead at once, the one that asks this too, and nobody gets a new one. For operators.
         */
        post: operations["disableInstanceApi"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/instance/api/enable": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Switch the API of the whole instance on again
         * @description For operators.
         */
        post: operations["enableInstanceApi"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/instance/reach": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What switching the API off would stop
         * @description For operators.
         */
        get: operations["readInstanceAvailability"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/usage": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Tokens issued and refused over time
         * @description For operators.
         */
        get: operations["readUsage"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/signing-keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The keys that sign tokens, without their private halves
         * @description For operators.
         */
        get: operations["listSigningKeys"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/signing-keys/rotate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Let the next keys sign
         * @description A next key begins once it has been published for a minute; until then this changes nothing more. For operators.
         */
        post: operations["rotateSigningKeys"];
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
        Account: {
            /**
             * Format: uuid
             * @example 019a7f3e-6c1b-7d52-9a54-3f1c2b7e8d90
             */
            id: string;
            name: string;
            /** @enum {string} */
            status: "active" | "disabled";
            /** @description Off: none of its clients works; its people may sign in all the same */
            api_enabled: boolean;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
            /**
             * @description Another one after each change; the ETag holds it
             * @example 3
             */
            revision: number;
        };
        AccountDetails: {
            /**
             * Format: uuid
             * @example 019a7f3e-6c1b-7d52-9a54-3f1c2b7e8d90
             */
            id: string;
            name: string;
            /** @enum {string} */
            status: "active" | "disabled";
            /** @description Off: none of its clients works; its people may sign in all the same */
            api_enabled: boolean;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
            /**
             * @description Another one after each change; the ETag holds it
             * @example 3
             */
            revision: number;
            people: components["schemas"]["BoundedCount"];
            applications: components["schemas"]["BoundedCount"];
            /** @description Active ones */
            admins: number;
            key_pairs: number;
            live_tokens: components["schemas"]["BoundedCount"];
        };
        /**
         * @example {
         *       "name": "ACME Corp"
         *     }
         */
        AccountName: {
            /** @example Billing export */
            name: string;
        };
        AccountSummary: {
            /**
             * Format: uuid
             * @example 019a7f3e-6c1b-7d52-9a54-3f1c2b7e8d90
             */
            id: string;
            name: string;
            /** @enum {string} */
            status: "active" | "disabled";
            /** @description Off: none of its clients works; its people may sign in all the same */
            api_enabled: boolean;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
            /**
             * @description Another one after each change; the ETag holds it
             * @example 3
             */
            revision: number;
            people: components["schemas"]["BoundedCount"];
            applications: components["schemas"]["BoundedCount"];
        };
        ActivityEntry: {
            /**
             * Format: uuid
             * @example 019a7f3e-6c1b-7d52-9a54-3f1c2b7e8d90
             */
            id: string;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            at: string;
            /** @example client.archived */
            action: string;
            actor: {
                /** @enum {string} */
                type: "system" | "cli" | "user" | "client";
                id: string | null;
                label: string | null;
            };
            account_id: string | null;
            account_name: string | null;
            target: {
                type: string;
                id: string;
                label: string | null;
            };
            ip: string | null;
            request_id: string | null;
            /** @description What changed */
            detail: {
                [key: string]: unknown;
            };
            /** @description Its place in the chain; null in the second before it is sealed */
            seq: number | null;
        };
        Api: {
            /** @example https://api.example.com */
            identifier: string;
            /**
             * @description In seconds
             * @example 3600
             */
            token_ttl: number;
            /**
             * @description single: a new token ends the one before
             * @enum {string}
             */
            policy: "none" | "single";
            /** @enum {string} */
            signing_alg: "ES256" | "RS256" | "PS256" | "EdDSA";
            /**
             * @description The typ of its access tokens: JWT for resource servers that refuse at+jwt (RFC 9068)
             * @enum {string}
             */
            token_type: "at+jwt" | "JWT";
            /** @description Meant where no API is named */
            is_default: boolean;
            built_in: boolean;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
            /**
             * @description Another one after each change; the ETag holds it
             * @example 3
             */
            revision: number;
            scopes: {
                scope: string;
                /** @description What people read before they allow it */
                title: string;
                description: string;
            }[];
            /** @description By which it introspects */
            client_id: string | null;
            /** @description For operators alone */
            secrets?: components["schemas"]["StoredSecret"][];
            /** @description Applications and key pairs that may call it; for operators alone */
            callers?: components["schemas"]["BoundedCount"];
        };
        /**
         * @example {
         *       "token_ttl": 900
         *     }
         */
        ApiChange: {
            /**
             * @description In seconds
             * @example 3600
             */
            token_ttl?: number;
            /**
             * @description single: a new token ends the one before
             * @enum {string}
             */
            policy?: "none" | "single";
            /** @enum {string} */
            signing_alg?: "ES256" | "RS256" | "PS256" | "EdDSA";
            /**
             * @description The typ of its access tokens: JWT for resource servers that refuse at+jwt (RFC 9068)
             * @enum {string}
             */
            token_type?: "at+jwt" | "JWT";
            /** @description Meant where no API is named */
            is_default?: boolean;
            /**
             * @example [
             *       "invoices:read"
             *     ]
             */
            scopes?: string[];
            /** @description What people read, by scope */
            texts?: {
                [key: string]: {
                    title: string;
                    /** @default  */
                    description?: string;
                };
            };
        };
        ApiCredentials: {
            /** @example kwc_0Zk3tQ9xWb7YpLr2VfHd */
            client_id: string;
            /**
             * @description Shown in this answer and never again
             * @example kws_5fX0lC2mQ8vT1nR7bK4wZ9yH3dJ6sP0aGuEiOxLqMtV1c9Zk
             */
            client_secret: string;
        };
        /**
         * @example {
         *       "overlap": 3600
         *     }
         */
        ApiSecretRotation: {
            /**
             * @description For how many seconds the former secret still works; 0: it is dead at once
             * @default 0
             * @example 3600
             */
            overlap?: number;
        };
        ApiSettings: {
            /** @example https://api.example.com */
            identifier: string;
            /**
             * @description In seconds
             * @example 3600
             */
            token_ttl: number;
            /**
             * @description single: a new token ends the one before
             * @enum {string}
             */
            policy: "none" | "single";
            /** @enum {string} */
            signing_alg: "ES256" | "RS256" | "PS256" | "EdDSA";
            /**
             * @description The typ of its access tokens: JWT for resource servers that refuse at+jwt (RFC 9068)
             * @enum {string}
             */
            token_type: "at+jwt" | "JWT";
            /** @description Meant where no API is named */
            is_default: boolean;
            built_in: boolean;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
            /**
             * @description Another one after each change; the ETag holds it
             * @example 3
             */
            revision: number;
            scopes: string[];
        };
        Application: {
            /** @example kwc_0Zk3tQ9xWb7YpLr2VfHd */
            client_id: string;
            /** @enum {string} */
            status: "active" | "archived" | "replaced";
            account_id: string | null;
            /** @example Billing export */
            name: string;
            /**
             * @description authorization_code, refresh_token, client_credentials, urn:ietf:params:oauth:grant-type:device_code
             * @example [
             *       "authorization_code",
             *       "refresh_token"
             *     ]
             */
            grants: string[];
            /**
             * @description Where people are sent back to; exactly as the request says it
             * @example [
             *       "https://app.example.com/callback"
             *     ]
             */
            redirect_uris: string[];
            /**
             * @description Where people may be sent after they signed out
             * @example [
             *       "https://app.example.com/callback"
             *     ]
             */
            post_logout_redirect_uris: string[];
            /** @description Told when a person signs out */
            backchannel_logout_uri: string | null;
            /** @description It can keep no secret, as a program on a desk or phone */
            is_public: boolean;
            /** @description Always so for public ones (RFC 7636) */
            pkce_required: boolean;
            /**
             * @description Who sees the allow/deny page; skip is for operators to say
             * @enum {string}
             */
            consent: "show" | "skip" | "skip_own_account";
            /** @description What a request without scope gets; null: all it has */
            default_scopes: string[] | null;
            /**
             * @description In seconds; null: the API's
             * @example 3600
             */
            access_token_ttl: number | null;
            /**
             * @description In seconds, anew with each rotation; null: 30 days
             * @example 3600
             */
            refresh_token_ttl: number | null;
            /**
             * @description In seconds since the sign-in; null: no absolute end
             * @example 3600
             */
            refresh_token_max_age: number | null;
            refresh_token_rotation: boolean;
            /** @enum {string} */
            refresh_tokens: "always" | "offline_access";
            /** @enum {string} */
            id_token_alg: "RS256" | "ES256";
            /** @description What a new token does to the one before; null: the API's */
            policy: ("none" | "single") | null;
            /** @description Credentials may come in the query, where logs keep them */
            query_credentials: boolean;
            /** @description client_credentials yields a refresh token too */
            client_credentials_refresh: boolean;
            /** @description Each request carries an x-api-key as well */
            api_key_required: boolean;
            /**
             * @description For whom it may act; for operators alone
             * @enum {string}
             */
            access_type?: "user" | "client" | "both";
            /**
             * @description N/s, N/min or N/h; null: none; for operators alone
             * @example 10/s
             */
            rate_limit?: string | null;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
            /**
             * @description Another one after each change; the ETag holds it
             * @example 3
             */
            revision: number;
            account_name: string | null;
            apis: components["schemas"]["ClientApi"][];
            secrets: components["schemas"]["StoredSecret"][];
            live_tokens: components["schemas"]["BoundedCount"];
            /** @description Who called in the last day, at most twenty */
            callers: components["schemas"]["RecentCaller"][];
            /** @description Refresh tokens that still work */
            grants_held: components["schemas"]["BoundedCount"];
            /** @description How many people allowed it something */
            people: components["schemas"]["BoundedCount"];
            /** @description Neither the instance's API nor the account's is switched off */
            api_enabled: boolean;
            choosable_apis: {
                identifier: string;
                scopes: string[];
            }[];
        };
        /**
         * @example {
         *       "name": "Billing export",
         *       "access_token_ttl": 900
         *     }
         */
        ApplicationChange: {
            /** @example Billing export */
            name?: string;
            /**
             * @description authorization_code, refresh_token, client_credentials, urn:ietf:params:oauth:grant-type:device_code
             * @example [
             *       "authorization_code",
             *       "refresh_token"
             *     ]
             */
            grants?: string[];
            /**
             * @description Where people are sent back to; exactly as the request says it
             * @example [
             *       "https://app.example.com/callback"
             *     ]
             */
            redirect_uris?: string[];
            /**
             * @description Where people may be sent after they signed out
             * @example [
             *       "https://app.example.com/callback"
             *     ]
             */
            post_logout_redirect_uris?: string[];
            /** @description Told when a person signs out */
            backchannel_logout_uri?: string | null;
            /** @description It can keep no secret, as a program on a desk or phone */
            is_public?: boolean;
            /** @description Always so for public ones (RFC 7636) */
            pkce_required?: boolean;
            /**
             * @description Who sees the allow/deny page; skip is for operators to say
             * @enum {string}
             */
            consent?: "show" | "skip" | "skip_own_account";
            /** @description What a request without scope gets; null: all it has */
            default_scopes?: string[] | null;
            /**
             * @description In seconds; null: the API's
             * @example 3600
             */
            access_token_ttl?: number | null;
            /**
             * @description In seconds, anew with each rotation; null: 30 days
             * @example 3600
             */
            refresh_token_ttl?: number | null;
            /**
             * @description In seconds since the sign-in; null: no absolute end
             * @example 3600
             */
            refresh_token_max_age?: number | null;
            refresh_token_rotation?: boolean;
            /** @enum {string} */
            refresh_tokens?: "always" | "offline_access";
            /** @enum {string} */
            id_token_alg?: "RS256" | "ES256";
            /** @description What a new token does to the one before; null: the API's */
            policy?: ("none" | "single") | null;
            /** @description Credentials may come in the query, where logs keep them */
            query_credentials?: boolean;
            /** @description client_credentials yields a refresh token too */
            client_credentials_refresh?: boolean;
            /** @description Each request carries an x-api-key as well */
            api_key_required?: boolean;
            /** @description The APIs it may call, its default first */
            apis?: string[];
            /** @description What it may ask of them; null: everything, also what they gain later */
            scopes?: string[] | null;
            /**
             * @description For whom it may act; for operators alone
             * @enum {string}
             */
            access_type?: "user" | "client" | "both";
            /**
             * @description N/s, N/min or N/h; null: none; for operators alone
             * @example 10/s
             */
            rate_limit?: string | null;
        };
        ApplicationSettings: {
            /** @example kwc_0Zk3tQ9xWb7YpLr2VfHd */
            client_id: string;
            /** @enum {string} */
            status: "active" | "archived" | "replaced";
            account_id: string | null;
            /** @example Billing export */
            name: string;
            /**
             * @description authorization_code, refresh_token, client_credentials, urn:ietf:params:oauth:grant-type:device_code
             * @example [
             *       "authorization_code",
             *       "refresh_token"
             *     ]
             */
            grants: string[];
            /**
             * @description Where people are sent back to; exactly as the request says it
             * @example [
             *       "https://app.example.com/callback"
             *     ]
             */
            redirect_uris: string[];
            /**
             * @description Where people may be sent after they signed out
             * @example [
             *       "https://app.example.com/callback"
             *     ]
             */
            post_logout_redirect_uris: string[];
            /** @description Told when a person signs out */
            backchannel_logout_uri: string | null;
            /** @description It can keep no secret, as a program on a desk or phone */
            is_public: boolean;
            /** @description Always so for public ones (RFC 7636) */
            pkce_required: boolean;
            /**
             * @description Who sees the allow/deny page; skip is for operators to say
             * @enum {string}
             */
            consent: "show" | "skip" | "skip_own_account";
            /** @description What a request without scope gets; null: all it has */
            default_scopes: string[] | null;
            /**
             * @description In seconds; null: the API's
             * @example 3600
             */
            access_token_ttl: number | null;
            /**
             * @description In seconds, anew with each rotation; null: 30 days
             * @example 3600
             */
            refresh_token_ttl: number | null;
            /**
             * @description In seconds since the sign-in; null: no absolute end
             * @example 3600
             */
            refresh_token_max_age: number | null;
            refresh_token_rotation: boolean;
            /** @enum {string} */
            refresh_tokens: "always" | "offline_access";
            /** @enum {string} */
            id_token_alg: "RS256" | "ES256";
            /** @description What a new token does to the one before; null: the API's */
            policy: ("none" | "single") | null;
            /** @description Credentials may come in the query, where logs keep them */
            query_credentials: boolean;
            /** @description client_credentials yields a refresh token too */
            client_credentials_refresh: boolean;
            /** @description Each request carries an x-api-key as well */
            api_key_required: boolean;
            /**
             * @description For whom it may act; for operators alone
             * @enum {string}
             */
            access_type?: "user" | "client" | "both";
            /**
             * @description N/s, N/min or N/h; null: none; for operators alone
             * @example 10/s
             */
            rate_limit?: string | null;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
            /**
             * @description Another one after each change; the ETag holds it
             * @example 3
             */
            revision: number;
        };
        ApplicationSummary: {
            /** @example kwc_0Zk3tQ9xWb7YpLr2VfHd */
            client_id: string;
            name: string;
            /** @enum {string} */
            status: "active" | "archived" | "replaced";
            /** @description Null: the instance's own */
            account_id: string | null;
            account_name: string | null;
            grants: string[];
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
            last_used_at: string | null;
        };
        BoundedCount: {
            count: number;
            /** @description There are more than that */
            is_more: boolean;
        };
        Caller: {
            /** @enum {string} */
            role: "operator" | "admin" | "member";
            /** @description Null for an operator, whom no account bounds */
            account_id: string | null;
            /** @description Whose own key pair is meant; null for an application by itself */
            user_id: string | null;
            acts_as: {
                /** @enum {string} */
                type: "client" | "user";
                id: string;
            };
            scopes: string[];
        };
        ChangedApplication: {
            application: components["schemas"]["ApplicationSettings"];
            /** @description Shown in this answer and never again, where the client needs one */
            api_key?: string;
        };
        ClientApi: {
            /** @example https://api.example.com */
            identifier: string;
            scopes: string[];
            is_narrowed: boolean;
        };
        /** @description The API's own credentials, by which it introspects: shown this once */
        CreatedApi: {
            /** @example kwc_0Zk3tQ9xWb7YpLr2VfHd */
            client_id: string;
            /**
             * @description Shown in this answer and never again
             * @example kws_5fX0lC2mQ8vT1nR7bK4wZ9yH3dJ6sP0aGuEiOxLqMtV1c9Zk
             */
            client_secret: string;
            api: components["schemas"]["ApiSettings"];
        };
        CreatedApplication: {
            /** @example kwc_0Zk3tQ9xWb7YpLr2VfHd */
            client_id: string;
            /**
             * @description Shown in this answer and never again; public clients have none
             * @example kws_5fX0lC2mQ8vT1nR7bK4wZ9yH3dJ6sP0aGuEiOxLqMtV1c9Zk
             */
            client_secret?: string;
            /** @description Shown in this answer and never again, where the client needs one */
            api_key?: string;
            application: components["schemas"]["ApplicationSettings"];
        };
        /** @description Shown this once */
        GeneratedKeyPair: {
            /** @example kwc_0Zk3tQ9xWb7YpLr2VfHd */
            client_id: string;
            /**
             * @description Shown in this answer and never again
             * @example kws_5fX0lC2mQ8vT1nR7bK4wZ9yH3dJ6sP0aGuEiOxLqMtV1c9Zk
             */
            client_secret: string;
            /** @description Shown in this answer and never again, where the client needs one */
            api_key?: string;
            /**
             * @description How many live tokens this ended; null: they were too many to be counted
             * @example 2
             */
            revoked: number | null;
        };
        Instance: {
            name: string;
            /** @example #1f5fbf */
            accent: string;
            logo: {
                type: string;
                /** @description In bytes */
                size: number;
            } | null;
            api_enabled: boolean;
            /**
             * @description URI schemes without a dot that redirect URIs may have
             * @example [
             *       "cursor",
             *       "vscode"
             *     ]
             */
            redirect_schemes: string[];
            /** @description What new applications begin with */
            defaults: {
                /** @description In seconds; null: the API's */
                access_token_ttl: number | null;
                /** @description In seconds; null: 30 days */
                refresh_token_ttl: number | null;
                /** @enum {string} */
                consent: "show" | "skip_own_account";
                /**
                 * @description N/s, N/min or N/h; null: none
                 * @example 10/s
                 */
                rate_limit: string | null;
            };
            /**
             * @description Another one after each change; the ETag holds it
             * @example 3
             */
            revision: number;
        };
        InstanceAvailability: {
            api_enabled: boolean;
            applications: components["schemas"]["BoundedCount"];
            key_pairs: components["schemas"]["BoundedCount"];
            live_tokens: components["schemas"]["BoundedCount"];
        };
        /**
         * @example {
         *       "name": "Example keys",
         *       "defaults": {
         *         "access_token_ttl": 3600
         *       }
         *     }
         */
        InstanceChange: {
            name?: string;
            accent?: string;
            /** @description Null takes it away */
            logo?: {
                /**
                 * Format: base64
                 * @description PNG, JPEG, WebP or SVG, at most 256 KiB
                 */
                base64: string;
            } | null;
            /**
             * @description URI schemes without a dot that redirect URIs may have
             * @example [
             *       "cursor",
             *       "vscode"
             *     ]
             */
            redirect_schemes?: string[];
            defaults?: {
                /** @description In seconds; null: the API's */
                access_token_ttl?: number | null;
                /** @description In seconds; null: 30 days */
                refresh_token_ttl?: number | null;
                /** @enum {string} */
                consent?: "show" | "skip_own_account";
                /**
                 * @description N/s, N/min or N/h; null: none
                 * @example 10/s
                 */
                rate_limit?: string | null;
            };
        };
        /**
         * @example {
         *       "email": "ada@example.com",
         *       "role": "member"
         *     }
         */
        Invitation: {
            /** @example ada@example.com */
            email: string;
            /** @enum {string} */
            role: "operator" | "admin" | "member";
            /** @example Billing export */
            name?: string;
            /** @description You assert that the address belongs to the user; applications then get the claim `email_verified` */
            email_verified?: boolean;
            /**
             * Format: uuid
             * @description Absent: the caller's own
             * @example 019a7f3e-6c1b-7d52-9a54-3f1c2b7e8d90
             */
            account_id?: string;
        };
        KeyPair: {
            user: {
                /**
                 * Format: uuid
                 * @example 019a7f3e-6c1b-7d52-9a54-3f1c2b7e8d90
                 */
                id: string;
                email: string;
                name: string | null;
            };
            /** @description Null until the first one is generated */
            pair: {
                /** @example kwc_0Zk3tQ9xWb7YpLr2VfHd */
                client_id: string;
                /** @enum {string} */
                status: "active" | "archived" | "replaced";
                /**
                 * Format: date-time
                 * @example 2026-11-21T09:30:00.000Z
                 */
                created_at: string;
                /**
                 * @description Another one after each change; the ETag holds it
                 * @example 3
                 */
                revision: number;
                apis: components["schemas"]["ClientApi"][];
                secrets: components["schemas"]["StoredSecret"][];
                live_tokens: components["schemas"]["BoundedCount"];
                /** @description Who called in the last day, at most twenty */
                callers: components["schemas"]["RecentCaller"][];
            } | null;
            choosable_apis: {
                /** @example https://api.example.com */
                identifier: string;
                scopes: string[];
                is_default: boolean;
            }[];
            api_enabled: boolean;
        };
        /** @example {} */
        KeyPairGeneration: {
            /** @description What the pair may call, its default first; absent: the former pair's, or the default API */
            apis?: string[];
            /** @description The client id that was seen, null for none: 412 when it is another by now */
            replaces?: string | null;
        };
        /** @description A refresh token that works, however often it was rotated */
        LiveGrant: {
            /**
             * Format: uuid
             * @example 019a7f3e-6c1b-7d52-9a54-3f1c2b7e8d90
             */
            id: string;
            api: string;
            scope: string;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
            /** @description When its refresh token was last redeemed */
            rotated_at: string | null;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            expires_at: string;
            /** @description In whose name; null: for the client itself */
            user_id: string | null;
            email: string | null;
        };
        /** @description An access token that works */
        LiveToken: {
            /**
             * Format: uuid
             * @example 019a7f3e-6c1b-7d52-9a54-3f1c2b7e8d90
             */
            jti: string;
            api: string;
            scope: string;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            issued_at: string;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            expires_at: string;
            /** @description In whose name; null: for the client itself */
            user_id: string | null;
            email: string | null;
        };
        /**
         * @example {
         *       "identifier": "https://api.example.com",
         *       "scopes": [
         *         "invoices:read"
         *       ]
         *     }
         */
        NewApi: {
            /** @example https://api.example.com */
            identifier: string;
            /**
             * @example [
             *       "invoices:read"
             *     ]
             */
            scopes: string[];
            /** @description What people read, by scope */
            texts?: {
                [key: string]: {
                    title: string;
                    /** @default  */
                    description?: string;
                };
            };
            /**
             * @description In seconds
             * @default 3600
             * @example 3600
             */
            token_ttl?: number;
            /**
             * @description single: a new token ends the one before
             * @default none
             * @enum {string}
             */
            policy?: "none" | "single";
            /**
             * @default ES256
             * @enum {string}
             */
            signing_alg?: "ES256" | "RS256" | "PS256" | "EdDSA";
            /**
             * @description The typ of its access tokens: JWT for resource servers that refuse at+jwt (RFC 9068)
             * @default at+jwt
             * @enum {string}
             */
            token_type?: "at+jwt" | "JWT";
            /**
             * @description Meant where no API is named
             * @default false
             */
            is_default?: boolean;
        };
        /**
         * @example {
         *       "name": "Billing export",
         *       "grants": [
         *         "client_credentials"
         *       ]
         *     }
         */
        NewApplication: {
            /** @example Billing export */
            name: string;
            /**
             * @description authorization_code, refresh_token, client_credentials, urn:ietf:params:oauth:grant-type:device_code
             * @example [
             *       "authorization_code",
             *       "refresh_token"
             *     ]
             */
            grants: string[];
            /**
             * @description Where people are sent back to; exactly as the request says it
             * @example [
             *       "https://app.example.com/callback"
             *     ]
             */
            redirect_uris?: string[];
            /**
             * @description Where people may be sent after they signed out
             * @example [
             *       "https://app.example.com/callback"
             *     ]
             */
            post_logout_redirect_uris?: string[];
            /** @description Told when a person signs out */
            backchannel_logout_uri?: string | null;
            /** @description It can keep no secret, as a program on a desk or phone */
            is_public?: boolean;
            /** @description Always so for public ones (RFC 7636) */
            pkce_required?: boolean;
            /**
             * @description Who sees the allow/deny page; skip is for operators to say
             * @enum {string}
             */
            consent?: "show" | "skip" | "skip_own_account";
            /** @description What a request without scope gets; null: all it has */
            default_scopes?: string[] | null;
            /**
             * @description In seconds; null: the API's
             * @example 3600
             */
            access_token_ttl?: number | null;
            /**
             * @description In seconds, anew with each rotation; null: 30 days
             * @example 3600
             */
            refresh_token_ttl?: number | null;
            /**
             * @description In seconds since the sign-in; null: no absolute end
             * @example 3600
             */
            refresh_token_max_age?: number | null;
            refresh_token_rotation?: boolean;
            /** @enum {string} */
            refresh_tokens?: "always" | "offline_access";
            /** @enum {string} */
            id_token_alg?: "RS256" | "ES256";
            /** @description What a new token does to the one before; null: the API's */
            policy?: ("none" | "single") | null;
            /** @description Credentials may come in the query, where logs keep them */
            query_credentials?: boolean;
            /** @description client_credentials yields a refresh token too */
            client_credentials_refresh?: boolean;
            /** @description Each request carries an x-api-key as well */
            api_key_required?: boolean;
            /** @description The APIs it may call, its default first */
            apis?: string[];
            /** @description What it may ask of them; null: everything, also what they gain later */
            scopes?: string[] | null;
            /**
             * @description For whom it may act; for operators alone
             * @enum {string}
             */
            access_type?: "user" | "client" | "both";
            /**
             * @description N/s, N/min or N/h; null: none; for operators alone
             * @example 10/s
             */
            rate_limit?: string | null;
            /** @description Absent: the caller's own; null: the instance's, for operators alone */
            account_id?: string | null;
        };
        Overview: {
            /**
             * Format: uuid
             * @example 019a7f3e-6c1b-7d52-9a54-3f1c2b7e8d90
             */
            account_id: string;
            /** @description The caller's own; null until the first one is generated */
            key_pair: {
                /** @example kwc_0Zk3tQ9xWb7YpLr2VfHd */
                client_id: string;
                last_four: string | null;
                /**
                 * Format: date-time
                 * @example 2026-11-21T09:30:00.000Z
                 */
                created_at: string;
                last_used_at: string | null;
            } | null;
            /** @description Active ones */
            applications: components["schemas"]["BoundedCount"];
            /** @description Active ones */
            people: components["schemas"]["BoundedCount"];
            api_enabled: boolean;
        };
        /** @description RFC 9457 */
        Problem: {
            /**
             * Format: uri
             * @example urn:keywright:error:not_found
             */
            type: string;
            title: string;
            status: number;
            detail: string;
            /** @description The id of the request */
            instance: string;
            errors?: {
                /**
                 * @description A place in the body
                 * @example #/redirect_uris
                 */
                pointer?: string;
                /**
                 * @description A parameter of the query or path
                 * @example limit
                 */
                parameter?: string;
                detail: string;
            }[];
        };
        RecentCaller: {
            ip: string;
            api: string | null;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            last_used_at: string;
        };
        /** @example {} */
        Restoration: {
            /** @default false */
            keep_secret?: boolean;
        };
        RestoredApplication: {
            /** @example kwc_0Zk3tQ9xWb7YpLr2VfHd */
            client_id: string;
            /** @enum {string} */
            status: "active" | "archived" | "replaced";
            account_id: string | null;
            /** @example Billing export */
            name: string;
            /**
             * @description authorization_code, refresh_token, client_credentials, urn:ietf:params:oauth:grant-type:device_code
             * @example [
             *       "authorization_code",
             *       "refresh_token"
             *     ]
             */
            grants: string[];
            /**
             * @description Where people are sent back to; exactly as the request says it
             * @example [
             *       "https://app.example.com/callback"
             *     ]
             */
            redirect_uris: string[];
            /**
             * @description Where people may be sent after they signed out
             * @example [
             *       "https://app.example.com/callback"
             *     ]
             */
            post_logout_redirect_uris: string[];
            /** @description Told when a person signs out */
            backchannel_logout_uri: string | null;
            /** @description It can keep no secret, as a program on a desk or phone */
            is_public: boolean;
            /** @description Always so for public ones (RFC 7636) */
            pkce_required: boolean;
            /**
             * @description Who sees the allow/deny page; skip is for operators to say
             * @enum {string}
             */
            consent: "show" | "skip" | "skip_own_account";
            /** @description What a request without scope gets; null: all it has */
            default_scopes: string[] | null;
            /**
             * @description In seconds; null: the API's
             * @example 3600
             */
            access_token_ttl: number | null;
            /**
             * @description In seconds, anew with each rotation; null: 30 days
             * @example 3600
             */
            refresh_token_ttl: number | null;
            /**
             * @description In seconds since the sign-in; null: no absolute end
             * @example 3600
             */
            refresh_token_max_age: number | null;
            refresh_token_rotation: boolean;
            /** @enum {string} */
            refresh_tokens: "always" | "offline_access";
            /** @enum {string} */
            id_token_alg: "RS256" | "ES256";
            /** @description What a new token does to the one before; null: the API's */
            policy: ("none" | "single") | null;
            /** @description Credentials may come in the query, where logs keep them */
            query_credentials: boolean;
            /** @description client_credentials yields a refresh token too */
            client_credentials_refresh: boolean;
            /** @description Each request carries an x-api-key as well */
            api_key_required: boolean;
            /**
             * @description For whom it may act; for operators alone
             * @enum {string}
             */
            access_type?: "user" | "client" | "both";
            /**
             * @description N/s, N/min or N/h; null: none; for operators alone
             * @example 10/s
             */
            rate_limit?: string | null;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
            /**
             * @description Another one after each change; the ETag holds it
             * @example 3
             */
            revision: number;
            /**
             * @description Shown in this answer and never again; public clients have none
             * @example kws_5fX0lC2mQ8vT1nR7bK4wZ9yH3dJ6sP0aGuEiOxLqMtV1c9Zk
             */
            client_secret?: string;
            /** @description Shown in this answer and never again, where the client needs one */
            api_key?: string;
        };
        Revoked: {
            /**
             * @description How many live tokens this ended; null: they were too many to be counted
             * @example 2
             */
            revoked: number | null;
        };
        /**
         * @example {
         *       "overlap": 3600
         *     }
         */
        SecretRotation: {
            /**
             * @description For how many seconds the former secret still works; 0: it is dead at once
             * @default 0
             * @example 3600
             */
            overlap?: number;
        };
        SigningKey: {
            kid: string;
            /** @enum {string} */
            alg: "ES256" | "RS256" | "PS256" | "EdDSA";
            /** @enum {string} */
            state: "next" | "current" | "previous";
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
            /** @description Since when, or from when on, it signs; null: not yet asked to */
            signs_from: string | null;
        };
        /** @description What may be told of a secret after it was shown once */
        StoredSecret: {
            /** @description Names it where it is retired */
            id: number;
            /** @enum {string} */
            kind: "secret" | "api_key";
            last_four: string;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
            /** @description When it ends, if it is being replaced */
            retires_at: string | null;
            last_used_at: string | null;
            last_used_ip: string | null;
            last_used_api: string | null;
        };
        Usage: {
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            from: string;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            to: string;
            /** @enum {string} */
            step: "hour" | "day";
            usage: {
                /**
                 * Format: date-time
                 * @description The begin of the hour or day
                 * @example 2026-11-21T09:30:00.000Z
                 */
                at: string;
                /** @enum {string} */
                kind: "issued" | "refused";
                /** @description The grant type, or the OAuth error code */
                label: string;
                count: number;
            }[];
        };
        User: {
            /**
             * Format: uuid
             * @example 019a7f3e-6c1b-7d52-9a54-3f1c2b7e8d90
             */
            id: string;
            /** @description Null for an operator */
            account_id: string | null;
            email: string;
            email_verified: boolean;
            name: string | null;
            /** @enum {string} */
            role: "operator" | "admin" | "member";
            /** @enum {string} */
            status: "active" | "disabled";
            /**
             * @description Another one after each change; the ETag holds it
             * @example 3
             */
            revision: number;
        };
        /**
         * @example {
         *       "role": "admin"
         *     }
         */
        UserChange: {
            /** @example ada@example.com */
            email?: string;
            /** @example Billing export */
            name?: string;
            /** @enum {string} */
            role?: "admin" | "member";
            /** @description You assert that the address belongs to the user; applications then get the claim `email_verified` */
            email_verified?: boolean;
        };
        UserDetails: {
            /**
             * Format: uuid
             * @example 019a7f3e-6c1b-7d52-9a54-3f1c2b7e8d90
             */
            id: string;
            /** @description Null for an operator */
            account_id: string | null;
            email: string;
            email_verified: boolean;
            name: string | null;
            /** @enum {string} */
            role: "operator" | "admin" | "member";
            /** @enum {string} */
            status: "active" | "disabled";
            /**
             * @description Another one after each change; the ETag holds it
             * @example 3
             */
            revision: number;
            account_name: string | null;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
            /** @description They have not yet chosen a password of their own */
            is_invited: boolean;
            /** @description False until a person gives them a one-time password */
            has_password: boolean;
            last_signed_in_at: string | null;
            key_pair: string | null;
            /** @description How many they allowed something */
            applications: number;
            own_tokens: components["schemas"]["BoundedCount"];
            held_tokens: components["schemas"]["BoundedCount"];
            /** @description Without them their account has no active admin */
            is_last_admin: boolean;
        };
        UserSummary: {
            /**
             * Format: uuid
             * @example 019a7f3e-6c1b-7d52-9a54-3f1c2b7e8d90
             */
            id: string;
            /** @description Null for an operator */
            account_id: string | null;
            email: string;
            email_verified: boolean;
            name: string | null;
            /** @enum {string} */
            role: "operator" | "admin" | "member";
            /** @enum {string} */
            status: "active" | "disabled";
            /**
             * @description Another one after each change; the ETag holds it
             * @example 3
             */
            revision: number;
            account_name: string | null;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
            /** @description They have not yet chosen a password of their own */
            is_invited: boolean;
            /** @description False until a person gives them a one-time password */
            has_password: boolean;
            last_signed_in_at: string | null;
        };
    };
    responses: {
        /** @description The request is not as it should be (invalid_input) */
        Problem400: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description The access token does not open this (invalid_token); This takes an access token (missing_token) */
        Problem401: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description This is not allowed to you (forbidden); The access token does not allow this (insufficient_scope) */
        Problem403: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description There is nothing here (not_found) */
        Problem404: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description This address does not take this method (method_not_allowed) */
        Problem405: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description What is there speaks against it (conflict) */
        Problem409: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description It was changed meanwhile (stale) */
        Problem412: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description The request is too large (too_large) */
        Problem413: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description The body is in no form that is understood (unsupported_media_type) */
        Problem415: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description The idempotency key belongs to another request (key_reused) */
        Problem422: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description A change names the revision it is for (precondition_required) */
        Problem428: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Too many requests (rate_limited) */
        Problem429: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Something went wrong (server_error) */
        Problem500: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Not just now (unavailable) */
        Problem503: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
    };
    parameters: never;
    requestBodies: never;
    headers: {
        /** @description What the log and the audit log know this request by */
        "X-Request-Id": string;
        /** @description What is left, as draft-ietf-httpapi-ratelimit-headers has it */
        RateLimit: string;
        /** @description For If-Match */
        ETag: string;
        /** @description Where the list goes on (RFC 8288) */
        Link: string;
        /** @description There when this was done before */
        "Idempotency-Replayed": string;
    };
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    readMe: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Caller"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    readOverview: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Overview"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    readOwnKeyPair: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["KeyPair"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    generateOwnKeyPair: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Chosen by the caller, anew for each creation; the same again gets the same answer
                 * @example 8e03978e-40d5-43dd-bc93-6894a57f9324
                 */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["KeyPairGeneration"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GeneratedKeyPair"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            409: components["responses"]["Problem409"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            422: components["responses"]["Problem422"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    readKeyPair: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                user_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["KeyPair"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    generateKeyPair: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Chosen by the caller, anew for each creation; the same again gets the same answer
                 * @example 8e03978e-40d5-43dd-bc93-6894a57f9324
                 */
                "Idempotency-Key"?: string;
            };
            path: {
                user_id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["KeyPairGeneration"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GeneratedKeyPair"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            409: components["responses"]["Problem409"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            422: components["responses"]["Problem422"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    listApplications: {
        parameters: {
            query?: {
                /** @description Beginnings of words, or a whole id */
                search?: string;
                status?: "active" | "archived";
                account_id?: string;
                /** @description The id of the user who added them */
                created_by?: string;
                /** @description At most so many items */
                limit?: number;
                /** @description `next` of the part before */
                after?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    Link: components["headers"]["Link"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["ApplicationSummary"][];
                        /** @description For `after`; null: this was the last part */
                        next: string | null;
                    };
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    createApplication: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Chosen by the caller, anew for each creation; the same again gets the same answer
                 * @example 8e03978e-40d5-43dd-bc93-6894a57f9324
                 */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewApplication"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    ETag: components["headers"]["ETag"];
                    "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CreatedApplication"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            409: components["responses"]["Problem409"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            422: components["responses"]["Problem422"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    readApplication: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                client_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Application"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    updateApplication: {
        parameters: {
            query?: never;
            header: {
                /**
                 * @description The ETag of what was read, or * for whatever is there
                 * @example "3"
                 */
                "If-Match": string;
            };
            path: {
                client_id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["ApplicationChange"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChangedApplication"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            409: components["responses"]["Problem409"];
            412: components["responses"]["Problem412"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            428: components["responses"]["Problem428"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    archiveApplication: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                client_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApplicationSettings"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            409: components["responses"]["Problem409"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    restoreApplication: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Chosen by the caller, anew for each creation; the same again gets the same answer
                 * @example 8e03978e-40d5-43dd-bc93-6894a57f9324
                 */
                "Idempotency-Key"?: string;
            };
            path: {
                client_id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["Restoration"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    ETag: components["headers"]["ETag"];
                    "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RestoredApplication"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            409: components["responses"]["Problem409"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            422: components["responses"]["Problem422"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    retireApplicationSecret: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                client_id: string;
                secret_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description No Content */
            204: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            409: components["responses"]["Problem409"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    rotateApplicationSecret: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Chosen by the caller, anew for each creation; the same again gets the same answer
                 * @example 8e03978e-40d5-43dd-bc93-6894a57f9324
                 */
                "Idempotency-Key"?: string;
            };
            path: {
                client_id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["SecretRotation"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    ETag: components["headers"]["ETag"];
                    "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CreatedApplication"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            409: components["responses"]["Problem409"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            422: components["responses"]["Problem422"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    listTokens: {
        parameters: {
            query?: {
                /** @description At most so many items */
                limit?: number;
                /** @description `next` of the part before */
                after?: string;
            };
            header?: never;
            path: {
                client_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    Link: components["headers"]["Link"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["LiveToken"][];
                        /** @description For `after`; null: this was the last part */
                        next: string | null;
                    };
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    revokeTokensOfClient: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                client_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Revoked"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            409: components["responses"]["Problem409"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    revokeToken: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                client_id: string;
                jti: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description No Content */
            204: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            409: components["responses"]["Problem409"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    listGrants: {
        parameters: {
            query?: {
                /** @description At most so many items */
                limit?: number;
                /** @description `next` of the part before */
                after?: string;
            };
            header?: never;
            path: {
                client_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    Link: components["headers"]["Link"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["LiveGrant"][];
                        /** @description For `after`; null: this was the last part */
                        next: string | null;
                    };
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    revokeGrant: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                client_id: string;
                grant_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description No Content */
            204: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            409: components["responses"]["Problem409"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    revokeTokensOfUser: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                user_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Revoked"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            409: components["responses"]["Problem409"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    listUsers: {
        parameters: {
            query?: {
                /** @description Beginnings of words, or a whole id */
                search?: string;
                role?: "operator" | "admin" | "member";
                status?: "active" | "disabled";
                account_id?: string;
                /** @description At most so many items */
                limit?: number;
                /** @description `next` of the part before */
                after?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    Link: components["headers"]["Link"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["UserSummary"][];
                        /** @description For `after`; null: this was the last part */
                        next: string | null;
                    };
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    inviteUser: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Chosen by the caller, anew for each creation; the same again gets the same answer
                 * @example 8e03978e-40d5-43dd-bc93-6894a57f9324
                 */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Invitation"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    ETag: components["headers"]["ETag"];
                    "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["User"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            409: components["responses"]["Problem409"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            422: components["responses"]["Problem422"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    readUser: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                user_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UserDetails"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    saveUserDetails: {
        parameters: {
            query?: never;
            header: {
                /**
                 * @description The ETag of what was read, or * for whatever is there
                 * @example "3"
                 */
                "If-Match": string;
            };
            path: {
                user_id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["UserChange"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["User"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            409: components["responses"]["Problem409"];
            412: components["responses"]["Problem412"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            428: components["responses"]["Problem428"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    disableUser: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                user_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["User"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            409: components["responses"]["Problem409"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    enableUser: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                user_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["User"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            409: components["responses"]["Problem409"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    resetPassword: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                user_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["User"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            409: components["responses"]["Problem409"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    listActivity: {
        parameters: {
            query?: {
                account_id?: string;
                /** @description How an action's name begins */
                actions?: string;
                /** @description Who did it, by id */
                actor?: string;
                /** @description What it was done to, by id */
                target?: string;
                ip?: string;
                request_id?: string;
                /** @description From then on */
                from?: string;
                /** @description Before then */
                to?: string;
                /** @description At most so many items */
                limit?: number;
                /** @description `next` of the part before */
                after?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    Link: components["headers"]["Link"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["ActivityEntry"][];
                        /** @description For `after`; null: this was the last part */
                        next: string | null;
                    };
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    exportActivity: {
        parameters: {
            query?: {
                account_id?: string;
                /** @description How an action's name begins */
                actions?: string;
                /** @description Who did it, by id */
                actor?: string;
                /** @description What it was done to, by id */
                target?: string;
                ip?: string;
                request_id?: string;
                /** @description From then on */
                from?: string;
                /** @description Before then */
                to?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    [name: string]: unknown;
                };
                content: {
                    "application/x-ndjson": components["schemas"]["ActivityEntry"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    listAccounts: {
        parameters: {
            query?: {
                /** @description Beginnings of words, or a whole id */
                search?: string;
                status?: "active" | "disabled";
                /** @description At most so many items */
                limit?: number;
                /** @description `next` of the part before */
                after?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    Link: components["headers"]["Link"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["AccountSummary"][];
                        /** @description For `after`; null: this was the last part */
                        next: string | null;
                    };
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    createAccount: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Chosen by the caller, anew for each creation; the same again gets the same answer
                 * @example 8e03978e-40d5-43dd-bc93-6894a57f9324
                 */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AccountName"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    ETag: components["headers"]["ETag"];
                    "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Account"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            409: components["responses"]["Problem409"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            422: components["responses"]["Problem422"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    readAccount: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                account_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AccountDetails"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    updateAccount: {
        parameters: {
            query?: never;
            header: {
                /**
                 * @description The ETag of what was read, or * for whatever is there
                 * @example "3"
                 */
                "If-Match": string;
            };
            path: {
                account_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AccountName"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Account"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            409: components["responses"]["Problem409"];
            412: components["responses"]["Problem412"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            428: components["responses"]["Problem428"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    disableAccount: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                account_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Account"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            409: components["responses"]["Problem409"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    enableAccount: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                account_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Account"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            409: components["responses"]["Problem409"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    disableAccountApi: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                account_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Account"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            409: components["responses"]["Problem409"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    enableAccountApi: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                account_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Account"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            409: components["responses"]["Problem409"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    listApis: {
        parameters: {
            query?: {
                /** @description A part of the identifier, or a whole scope */
                search?: string;
                /** @description At most so many items */
                limit?: number;
                /** @description `next` of the part before */
                after?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    Link: components["headers"]["Link"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["Api"][];
                        /** @description For `after`; null: this was the last part */
                        next: string | null;
                    };
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    createApi: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Chosen by the caller, anew for each creation; the same again gets the same answer
                 * @example 8e03978e-40d5-43dd-bc93-6894a57f9324
                 */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewApi"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    ETag: components["headers"]["ETag"];
                    "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CreatedApi"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            409: components["responses"]["Problem409"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            422: components["responses"]["Problem422"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    readApi: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                identifier: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Api"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    updateApi: {
        parameters: {
            query?: never;
            header: {
                /**
                 * @description The ETag of what was read, or * for whatever is there
                 * @example "3"
                 */
                "If-Match": string;
            };
            path: {
                identifier: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["ApiChange"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiSettings"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            409: components["responses"]["Problem409"];
            412: components["responses"]["Problem412"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            428: components["responses"]["Problem428"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    rotateApiSecret: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Chosen by the caller, anew for each creation; the same again gets the same answer
                 * @example 8e03978e-40d5-43dd-bc93-6894a57f9324
                 */
                "Idempotency-Key"?: string;
            };
            path: {
                identifier: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["ApiSecretRotation"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiCredentials"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            409: components["responses"]["Problem409"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            422: components["responses"]["Problem422"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    readInstance: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Instance"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    updateInstance: {
        parameters: {
            query?: never;
            header: {
                /**
                 * @description The ETag of what was read, or * for whatever is there
                 * @example "3"
                 */
                "If-Match": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["InstanceChange"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Instance"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            409: components["responses"]["Problem409"];
            412: components["responses"]["Problem412"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            428: components["responses"]["Problem428"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    disableInstanceApi: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Instance"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            409: components["responses"]["Problem409"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    enableInstanceApi: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Instance"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            409: components["responses"]["Problem409"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    readInstanceAvailability: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["InstanceAvailability"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    readUsage: {
        parameters: {
            query?: {
                span?: "day" | "month";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Usage"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    listSigningKeys: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["SigningKey"][];
                    };
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    rotateSigningKeys: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["SigningKey"][];
                    };
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            409: components["responses"]["Problem409"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
}
