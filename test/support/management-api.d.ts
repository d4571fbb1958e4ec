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
         * Retrieve the caller and the scopes of the token
         * @description Available to every caller.
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
         * Retrieve an overview of the account of the caller
         * @description Requires an admin of the account or an operator.
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
         * Retrieve the key pair of the caller
         * @description Requires an admin of the account or an operator.
         */
        get: operations["readOwnKeyPair"];
        put?: never;
        /**
         * Generate a new key pair for the caller
         * @description Revokes the previous key pair and all its tokens before the response is sent. A request that authenticates with a token of the previous pair cannot be retried, because that token is revoked too. Requires an admin of the account or an operator.
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
         * Retrieve the key pair of a user
         * @description Requires an admin of the account or an operator.
         */
        get: operations["readKeyPair"];
        put?: never;
        /**
         * Generate a new key pair for a user
         * @description Revokes the previous key pair and all its tokens before the response is sent. A request that authenticates with a token of the previous pair cannot be retried, because that token is revoked too. Only operators may generate a key pair for another user. Requires an admin of the account or an operator.
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
         * List applications, newest first
         * @description Requires an admin of the account or an operator.
         */
        get: operations["listApplications"];
        put?: never;
        /**
         * Create an application
         * @description Requires an admin of the account or an operator.
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
         * Retrieve an application
         * @description Requires an admin of the account or an operator.
         */
        get: operations["readApplication"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Update an application
         * @description Revokes the access tokens, refresh tokens, authorization codes and consents that exceed the new access; others stay valid. The response holds an API key when the application requires one from now on. Requires an admin of the account or an operator.
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
         * Archive an application; revokes all its tokens
         * @description Requires an admin of the account or an operator.
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
         * Restore an archived application; revoked tokens stay revoked
         * @description The application gets a new client secret, shown only in this response, because the previous one may have leaked. Set keep_secret to keep the previous secret. Requires an admin of the account or an operator.
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
         * Revoke a previous client secret before its overlap ends, with the tokens that it obtained
         * @description Requires an admin of the account or an operator.
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
         * Rotate the client secret, and the API key if the application requires one
         * @description Requires an admin of the account or an operator.
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
         * List the valid access tokens of an application or key pair, newest first
         * @description Requires an admin of the account or an operator.
         */
        get: operations["listTokens"];
        put?: never;
        post?: never;
        /**
         * Revoke all access and refresh tokens of an application or key pair; it can get new ones
         * @description Requires an admin of the account or an operator.
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
         * Revoke an access token
         * @description Requires an admin of the account or an operator.
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
         * List the valid refresh tokens of an application or key pair, newest first
         * @description Requires an admin of the account or an operator.
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
         * Revoke a refresh token and every access token issued with it
         * @description Requires an admin of the account or an operator.
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
         * Revoke a user's tokens, the tokens of their key pair, and their sessions
         * @description Requires an admin of the account or an operator.
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
         * List users, sorted by email address
         * @description Requires an admin of the account or an operator.
         */
        get: operations["listUsers"];
        put?: never;
        /**
         * Create a user
         * @description The user has no password until someone gives them a one-time password in the console or with `keywright user reset-password`. The API never returns passwords. Requires an admin of the account or an operator.
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
         * Retrieve a user
         * @description Requires an admin of the account or an operator.
         */
        get: operations["readUser"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Update a user's name, email address or role
         * @description A user who becomes a member loses their key pair permanently. A token that acts for a user, such as the token of a key pair, cannot change an email address. Requires an admin of the account or an operator.
         */
        patch: operations["updateUser"];
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
         * Disable a user; revokes their sessions and tokens
         * @description Requires an admin of the account or an operator.
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
         * Enable a user; revoked sessions and tokens stay revoked
         * @description Requires an admin of the account or an operator.
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
         * Remove a user's password and revoke their sessions
         * @description The user cannot sign in until someone gives them a one-time password in the console or with `keywright user reset-password`. The API never returns passwords. Not allowed for the caller, and for the last admin or operator who can sign in. Requires an admin of the account or an operator.
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
         * List the activity log, newest first
         * @description Requires an admin of the account or an operator.
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
         * Export the activity log as JSON lines
         * @description A caller may run four exports at once, for at most ten minutes each. When an export fails, or its token is revoked, the connection is closed before the final chunk of the response. Requires an admin of the account or an operator.
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
         * List accounts, sorted by name
         * @description Requires an operator.
         */
        get: operations["listAccounts"];
        put?: never;
        /**
         * Create an account
         * @description Requires an operator.
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
         * Retrieve an account; admins may read their own
         * @description Requires an admin of the account or an operator.
         */
        get: operations["readAccount"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Update an account
         * @description Requires an operator.
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
         * Disable an account; revokes the sessions and tokens of its users and clients
         * @description Requires an operator.
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
         * Enable an account; revoked tokens stay revoked
         * @description Requires an operator.
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
         * Disable the API for an account; revokes every token of its clients
         * @description Requires an operator.
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
         * Enable the API for an account
         * @description Requires an operator.
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
         * List APIs, oldest first
         * @description Requires an admin of the account or an operator.
         */
        get: operations["listApis"];
        put?: never;
        /**
         * Create an API
         * @description Requires an operator.
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
         * Retrieve an API
         * @description Requires an admin of the account or an operator.
         */
        get: operations["readApi"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Update an API
         * @description Removing a scope revokes the access tokens, refresh tokens and consents that have it; others stay valid. Requires an operator.
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
         * Rotate the client secret with which the API introspects tokens
         * @description Requires an operator.
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
         * Retrieve the settings of the instance
         * @description Requires an operator.
         */
        get: operations["readInstance"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Update the settings of the instance
         * @description Requires an operator.
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
         * Disable the API for the whole instance
         * @description Revokes every access token at once, including the token of this request, and stops issuing tokens. Requires an operator.
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
         * Enable the API for the whole instance
         * @description Requires an operator.
         */
        post: operations["enableInstanceApi"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/instance/availability": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Count what disabling the API would stop
         * @description Requires an operator.
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
         * Retrieve the number of issued tokens and rejected requests over time
         * @description Requires an operator.
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
         * List the public signing keys
         * @description Requires an operator.
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
         * Rotate the signing keys
         * @description The next key starts to sign once it has been published for a minute. Repeating the request before then changes nothing. Requires an operator.
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
            /**
             * @description The name of the customer
             * @example ACME Corp
             */
            name: string;
            /**
             * @description disabled: its users cannot sign in, and all its tokens are revoked
             * @enum {string}
             */
            status: "active" | "disabled";
            /** @description false: no client of the account works; its users can still sign in */
            api_enabled: boolean;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
            /**
             * @description Increases with each change; the ETag holds it
             * @example 3
             */
            revision: number;
        };
        /**
         * @example {
         *       "name": "ACME Corp"
         *     }
         */
        AccountChange: {
            /**
             * @description The name of the customer
             * @example ACME Corp
             */
            name?: string;
        };
        AccountDetails: {
            /**
             * Format: uuid
             * @example 019a7f3e-6c1b-7d52-9a54-3f1c2b7e8d90
             */
            id: string;
            /**
             * @description The name of the customer
             * @example ACME Corp
             */
            name: string;
            /**
             * @description disabled: its users cannot sign in, and all its tokens are revoked
             * @enum {string}
             */
            status: "active" | "disabled";
            /** @description false: no client of the account works; its users can still sign in */
            api_enabled: boolean;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
            /**
             * @description Increases with each change; the ETag holds it
             * @example 3
             */
            revision: number;
            users: components["schemas"]["BoundedCount"];
            applications: components["schemas"]["BoundedCount"];
            /** @description Active admins */
            admins: number;
            key_pairs: number;
            active_tokens: components["schemas"]["BoundedCount"];
        };
        AccountSummary: {
            /**
             * Format: uuid
             * @example 019a7f3e-6c1b-7d52-9a54-3f1c2b7e8d90
             */
            id: string;
            /**
             * @description The name of the customer
             * @example ACME Corp
             */
            name: string;
            /**
             * @description disabled: its users cannot sign in, and all its tokens are revoked
             * @enum {string}
             */
            status: "active" | "disabled";
            /** @description false: no client of the account works; its users can still sign in */
            api_enabled: boolean;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
            /**
             * @description Increases with each change; the ETag holds it
             * @example 3
             */
            revision: number;
            users: components["schemas"]["BoundedCount"];
            applications: components["schemas"]["BoundedCount"];
        };
        /** @description A valid refresh token; rotation keeps its id */
        ActiveGrant: {
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
            /** @description When the refresh token was last rotated */
            rotated_at: string | null;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            expires_at: string;
            /** @description The user that the client acts for; null: the client itself */
            user_id: string | null;
            email: string | null;
        };
        /** @description A valid access token */
        ActiveToken: {
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
            /** @description The user that the client acts for; null: the client itself */
            user_id: string | null;
            email: string | null;
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
            /** @description The changed attributes */
            detail: {
                [key: string]: unknown;
            };
            /** @description The position in the audit chain; null until the event is sealed, about a second later */
            seq: number | null;
        };
        Api: {
            /**
             * @description An absolute URI without a fragment: the audience of its access tokens
             * @example https://api.example.com
             */
            identifier: string;
            scopes: {
                scope: string;
                /** @description The title that users see on the consent page */
                title: string;
                description: string;
            }[];
            /**
             * @description The lifetime of its access tokens in seconds; an application can override it
             * @example 3600
             */
            token_ttl: number;
            /**
             * @description single: a new token revokes the earlier one of the same client and subject
             * @enum {string}
             */
            policy: "none" | "single";
            /**
             * @description The algorithm that signs its access tokens; its resource servers must support it
             * @enum {string}
             */
            signing_alg: "ES256" | "RS256" | "PS256" | "EdDSA";
            /**
             * @description The typ of its access tokens: JWT for resource servers that reject at+jwt (RFC 9068)
             * @enum {string}
             */
            token_type: "at+jwt" | "JWT";
            /** @description Whether it is the API of token requests that name none */
            is_default: boolean;
            built_in: boolean;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
            /**
             * @description Increases with each change; the ETag holds it
             * @example 3
             */
            revision: number;
            /** @description The client with which the API introspects tokens */
            client_id: string | null;
            /** @description Visible to operators only */
            secrets?: components["schemas"]["StoredSecret"][];
            /** @description Applications and key pairs that may call the API; visible to operators only */
            callers?: components["schemas"]["BoundedCount"];
        };
        /**
         * @example {
         *       "token_ttl": 900
         *     }
         */
        ApiChange: {
            /**
             * @description Its scopes; not openid, profile, email or offline_access
             * @example [
             *       "invoices:read"
             *     ]
             */
            scopes?: string[];
            /**
             * @description The lifetime of its access tokens in seconds; an application can override it
             * @example 3600
             */
            token_ttl?: number;
            /**
             * @description single: a new token revokes the earlier one of the same client and subject
             * @enum {string}
             */
            policy?: "none" | "single";
            /**
             * @description The algorithm that signs its access tokens; its resource servers must support it
             * @enum {string}
             */
            signing_alg?: "ES256" | "RS256" | "PS256" | "EdDSA";
            /**
             * @description The typ of its access tokens: JWT for resource servers that reject at+jwt (RFC 9068)
             * @enum {string}
             */
            token_type?: "at+jwt" | "JWT";
            /** @description Whether it is the API of token requests that name none */
            is_default?: boolean;
            /** @description The title and description that users see, by scope */
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
             * @description Shown only in this response
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
             * @description Seconds for which the previous secret still works; 0: it stops working at once
             * @default 0
             * @example 3600
             */
            overlap?: number;
        };
        ApiSettings: {
            /**
             * @description An absolute URI without a fragment: the audience of its access tokens
             * @example https://api.example.com
             */
            identifier: string;
            /**
             * @description Its scopes; not openid, profile, email or offline_access
             * @example [
             *       "invoices:read"
             *     ]
             */
            scopes: string[];
            /**
             * @description The lifetime of its access tokens in seconds; an application can override it
             * @example 3600
             */
            token_ttl: number;
            /**
             * @description single: a new token revokes the earlier one of the same client and subject
             * @enum {string}
             */
            policy: "none" | "single";
            /**
             * @description The algorithm that signs its access tokens; its resource servers must support it
             * @enum {string}
             */
            signing_alg: "ES256" | "RS256" | "PS256" | "EdDSA";
            /**
             * @description The typ of its access tokens: JWT for resource servers that reject at+jwt (RFC 9068)
             * @enum {string}
             */
            token_type: "at+jwt" | "JWT";
            /** @description Whether it is the API of token requests that name none */
            is_default: boolean;
            built_in: boolean;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
            /**
             * @description Increases with each change; the ETag holds it
             * @example 3
             */
            revision: number;
        };
        Application: {
            /** @example kwc_0Zk3tQ9xWb7YpLr2VfHd */
            client_id: string;
            /** @enum {string} */
            status: "active" | "archived" | "replaced";
            account_id: string | null;
            /**
             * @description The name that users see on the allow/deny page
             * @example Billing export
             */
            name: string;
            /**
             * @description A note for admins; users do not see it
             * @example Exports invoices every night; maintained by the billing team
             */
            description: string;
            /**
             * @description The grant types that the application may use: authorization_code, refresh_token, client_credentials, urn:ietf:params:oauth:grant-type:device_code
             * @example [
             *       "authorization_code",
             *       "refresh_token"
             *     ]
             */
            grants: string[];
            /** @description A public client, such as a desktop or mobile app, has no client secret */
            is_public: boolean;
            /**
             * @description Redirect URIs; an authorization request must match one exactly
             * @example [
             *       "https://app.example.com/callback"
             *     ]
             */
            redirect_uris: string[];
            /**
             * @description Which users see the allow/deny page; only operators may set skip
             * @enum {string}
             */
            consent: "show" | "skip_own_account" | "skip";
            /**
             * @description The scopes of a request that names none; null: every scope of the application
             * @example [
             *       "openid",
             *       "read"
             *     ]
             */
            default_scopes: string[] | null;
            /**
             * @description Redirect URIs after sign-out
             * @example [
             *       "https://app.example.com/"
             *     ]
             */
            post_logout_redirect_uris: string[];
            /**
             * @description Receives a logout token when a user signs out (OpenID Connect Back-Channel Logout)
             * @example https://app.example.com/logout
             */
            backchannel_logout_uri: string | null;
            /**
             * @description The algorithm that signs ID tokens
             * @enum {string}
             */
            id_token_alg: "RS256" | "ES256";
            /**
             * @description In seconds; null: the lifetime of the API
             * @example 3600
             */
            access_token_ttl: number | null;
            /**
             * @description In seconds, from the last rotation; null: 30 days
             * @example 3600
             */
            refresh_token_ttl: number | null;
            /**
             * @description In seconds, from the sign-in; null: no maximum age
             * @example 3600
             */
            refresh_token_max_age: number | null;
            /**
             * @description Which requests without the scope openid get a refresh token: all, or those with the scope offline_access
             * @enum {string}
             */
            refresh_tokens: "always" | "offline_access";
            /** @description single: a new token revokes the earlier one; null: the policy of the API */
            policy: ("none" | "single") | null;
            /** @description Accept client credentials in the query string, where logs may record them */
            query_credentials: boolean;
            /** @description Issue a refresh token for client_credentials */
            client_credentials_refresh: boolean;
            /** @description Require an API key in the x-api-key header */
            api_key_required: boolean;
            /** @description Require PKCE (RFC 7636); always true for public clients */
            pkce_required: boolean;
            /** @description Each use of a refresh token replaces it; always true for public clients */
            refresh_token_rotation: boolean;
            /**
             * @description Token requests per second, minute or hour: N/s, N/min or N/h; null: no limit; visible to operators only
             * @example 10/s
             */
            rate_limit?: string | null;
            /**
             * @description Whether the application may act for users, for itself, or both; visible to operators only
             * @enum {string}
             */
            access_type?: "both" | "user" | "client";
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
            /**
             * @description Increases with each change; the ETag holds it
             * @example 3
             */
            revision: number;
            account_name: string | null;
            apis: components["schemas"]["ClientApi"][];
            secrets: components["schemas"]["StoredSecret"][];
            active_tokens: components["schemas"]["BoundedCount"];
            /** @description The callers of the last 24 hours, at most 20 */
            callers: components["schemas"]["RecentCaller"][];
            /** @description Valid refresh tokens */
            active_refresh_tokens: components["schemas"]["BoundedCount"];
            /** @description Users who gave consent */
            users: components["schemas"]["BoundedCount"];
            /** @description Whether the API is enabled for the instance and the account */
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
            /**
             * @description The name that users see on the allow/deny page
             * @example Billing export
             */
            name?: string;
            /**
             * @description A note for admins; users do not see it
             * @example Exports invoices every night; maintained by the billing team
             */
            description?: string;
            /**
             * @description The grant types that the application may use: authorization_code, refresh_token, client_credentials, urn:ietf:params:oauth:grant-type:device_code
             * @example [
             *       "authorization_code",
             *       "refresh_token"
             *     ]
             */
            grants?: string[];
            /**
             * @description Redirect URIs; an authorization request must match one exactly
             * @example [
             *       "https://app.example.com/callback"
             *     ]
             */
            redirect_uris?: string[];
            /**
             * @description Which users see the allow/deny page; only operators may set skip
             * @enum {string}
             */
            consent?: "show" | "skip_own_account" | "skip";
            /**
             * @description The scopes of a request that names none; null: every scope of the application
             * @example [
             *       "openid",
             *       "read"
             *     ]
             */
            default_scopes?: string[] | null;
            /**
             * @description Redirect URIs after sign-out
             * @example [
             *       "https://app.example.com/"
             *     ]
             */
            post_logout_redirect_uris?: string[];
            /**
             * @description Receives a logout token when a user signs out (OpenID Connect Back-Channel Logout)
             * @example https://app.example.com/logout
             */
            backchannel_logout_uri?: string | null;
            /**
             * @description The algorithm that signs ID tokens
             * @enum {string}
             */
            id_token_alg?: "RS256" | "ES256";
            /**
             * @description In seconds; null: the lifetime of the API
             * @example 3600
             */
            access_token_ttl?: number | null;
            /**
             * @description In seconds, from the last rotation; null: 30 days
             * @example 3600
             */
            refresh_token_ttl?: number | null;
            /**
             * @description In seconds, from the sign-in; null: no maximum age
             * @example 3600
             */
            refresh_token_max_age?: number | null;
            /**
             * @description Which requests without the scope openid get a refresh token: all, or those with the scope offline_access
             * @enum {string}
             */
            refresh_tokens?: "always" | "offline_access";
            /** @description single: a new token revokes the earlier one; null: the policy of the API */
            policy?: ("none" | "single") | null;
            /** @description Accept client credentials in the query string, where logs may record them */
            query_credentials?: boolean;
            /** @description Issue a refresh token for client_credentials */
            client_credentials_refresh?: boolean;
            /** @description Require an API key in the x-api-key header */
            api_key_required?: boolean;
            /** @description Require PKCE (RFC 7636); always true for public clients */
            pkce_required?: boolean;
            /** @description Each use of a refresh token replaces it; always true for public clients */
            refresh_token_rotation?: boolean;
            /**
             * @description Token requests per second, minute or hour: N/s, N/min or N/h; null: no limit; visible to operators only
             * @example 10/s
             */
            rate_limit?: string | null;
            /**
             * @description Whether the application may act for users, for itself, or both; visible to operators only
             * @enum {string}
             */
            access_type?: "both" | "user" | "client";
            /**
             * @description The APIs that the application may call; the first is its default
             * @example [
             *       "https://api.example.com"
             *     ]
             */
            apis?: string[];
            /**
             * @description The scopes that the application may request; null: every scope of its APIs, including later ones
             * @example [
             *       "read"
             *     ]
             */
            scopes?: string[] | null;
        };
        ApplicationSettings: {
            /** @example kwc_0Zk3tQ9xWb7YpLr2VfHd */
            client_id: string;
            /** @enum {string} */
            status: "active" | "archived" | "replaced";
            account_id: string | null;
            /**
             * @description The name that users see on the allow/deny page
             * @example Billing export
             */
            name: string;
            /**
             * @description A note for admins; users do not see it
             * @example Exports invoices every night; maintained by the billing team
             */
            description: string;
            /**
             * @description The grant types that the application may use: authorization_code, refresh_token, client_credentials, urn:ietf:params:oauth:grant-type:device_code
             * @example [
             *       "authorization_code",
             *       "refresh_token"
             *     ]
             */
            grants: string[];
            /** @description A public client, such as a desktop or mobile app, has no client secret */
            is_public: boolean;
            /**
             * @description Redirect URIs; an authorization request must match one exactly
             * @example [
             *       "https://app.example.com/callback"
             *     ]
             */
            redirect_uris: string[];
            /**
             * @description Which users see the allow/deny page; only operators may set skip
             * @enum {string}
             */
            consent: "show" | "skip_own_account" | "skip";
            /**
             * @description The scopes of a request that names none; null: every scope of the application
             * @example [
             *       "openid",
             *       "read"
             *     ]
             */
            default_scopes: string[] | null;
            /**
             * @description Redirect URIs after sign-out
             * @example [
             *       "https://app.example.com/"
             *     ]
             */
            post_logout_redirect_uris: string[];
            /**
             * @description Receives a logout token when a user signs out (OpenID Connect Back-Channel Logout)
             * @example https://app.example.com/logout
             */
            backchannel_logout_uri: string | null;
            /**
             * @description The algorithm that signs ID tokens
             * @enum {string}
             */
            id_token_alg: "RS256" | "ES256";
            /**
             * @description In seconds; null: the lifetime of the API
             * @example 3600
             */
            access_token_ttl: number | null;
            /**
             * @description In seconds, from the last rotation; null: 30 days
             * @example 3600
             */
            refresh_token_ttl: number | null;
            /**
             * @description In seconds, from the sign-in; null: no maximum age
             * @example 3600
             */
            refresh_token_max_age: number | null;
            /**
             * @description Which requests without the scope openid get a refresh token: all, or those with the scope offline_access
             * @enum {string}
             */
            refresh_tokens: "always" | "offline_access";
            /** @description single: a new token revokes the earlier one; null: the policy of the API */
            policy: ("none" | "single") | null;
            /** @description Accept client credentials in the query string, where logs may record them */
            query_credentials: boolean;
            /** @description Issue a refresh token for client_credentials */
            client_credentials_refresh: boolean;
            /** @description Require an API key in the x-api-key header */
            api_key_required: boolean;
            /** @description Require PKCE (RFC 7636); always true for public clients */
            pkce_required: boolean;
            /** @description Each use of a refresh token replaces it; always true for public clients */
            refresh_token_rotation: boolean;
            /**
             * @description Token requests per second, minute or hour: N/s, N/min or N/h; null: no limit; visible to operators only
             * @example 10/s
             */
            rate_limit?: string | null;
            /**
             * @description Whether the application may act for users, for itself, or both; visible to operators only
             * @enum {string}
             */
            access_type?: "both" | "user" | "client";
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
            /**
             * @description Increases with each change; the ETag holds it
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
            /** @description Null: an application of the instance */
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
            /** @description There are more than `count` */
            is_more: boolean;
        };
        Caller: {
            /**
             * @description A member signs in to applications, an admin manages the account, and an operator manages the instance
             * @enum {string}
             */
            role: "member" | "admin" | "operator";
            /** @description Null for an operator, who belongs to no account */
            account_id: string | null;
            /** @description The user that the caller acts for; null for an application that acts for itself */
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
            /** @description Shown only in this response; absent when the client needs no API key */
            api_key?: string;
        };
        ClientApi: {
            /** @example https://api.example.com */
            identifier: string;
            scopes: string[];
            is_narrowed: boolean;
        };
        /** @description The credentials with which the API introspects tokens; shown only in this response */
        CreatedApi: {
            /** @example kwc_0Zk3tQ9xWb7YpLr2VfHd */
            client_id: string;
            /**
             * @description Shown only in this response
             * @example kws_5fX0lC2mQ8vT1nR7bK4wZ9yH3dJ6sP0aGuEiOxLqMtV1c9Zk
             */
            client_secret: string;
            api: components["schemas"]["ApiSettings"];
        };
        CreatedApplication: {
            /** @example kwc_0Zk3tQ9xWb7YpLr2VfHd */
            client_id: string;
            /**
             * @description Shown only in this response; absent for public clients
             * @example kws_5fX0lC2mQ8vT1nR7bK4wZ9yH3dJ6sP0aGuEiOxLqMtV1c9Zk
             */
            client_secret?: string;
            /** @description Shown only in this response; absent when the client needs no API key */
            api_key?: string;
            application: components["schemas"]["ApplicationSettings"];
        };
        /** @description The client secret is shown only in this response */
        GeneratedKeyPair: {
            /** @example kwc_0Zk3tQ9xWb7YpLr2VfHd */
            client_id: string;
            /**
             * @description Shown only in this response
             * @example kws_5fX0lC2mQ8vT1nR7bK4wZ9yH3dJ6sP0aGuEiOxLqMtV1c9Zk
             */
            client_secret: string;
            /** @description Shown only in this response; absent when the client needs no API key */
            api_key?: string;
            /**
             * @description How many valid tokens this request revoked; null: too many to count
             * @example 2
             */
            revoked: number | null;
        };
        Instance: {
            /**
             * @description The name that users see on every page
             * @example Example keys
             */
            name: string;
            /**
             * @description The colour of buttons, links and selected items
             * @example #1f5fbf
             */
            accent: string;
            /** @description Shown beside the name; null: no logo */
            logo: {
                /**
                 * @description The media type
                 * @example image/png
                 */
                type: string;
                /** @description In bytes */
                size: number;
            } | null;
            /**
             * @description URI schemes without a dot that redirect URIs may have
             * @example [
             *       "cursor",
             *       "vscode"
             *     ]
             */
            redirect_schemes: string[];
            /** @description While the API is disabled, no client gets a token */
            api_enabled: boolean;
            /** @description The default settings of new applications */
            defaults: {
                /**
                 * @description In seconds; null: the lifetime of the API
                 * @example 3600
                 */
                access_token_ttl: number | null;
                /**
                 * @description In seconds, from the last rotation; null: 30 days
                 * @example 3600
                 */
                refresh_token_ttl: number | null;
                /**
                 * @description Which users see the allow/deny page
                 * @enum {string}
                 */
                consent: "show" | "skip_own_account";
                /**
                 * @description Token requests per second, minute or hour: N/s, N/min or N/h; null: no limit
                 * @example 10/s
                 */
                rate_limit: string | null;
            };
            /**
             * @description Increases with each change; the ETag holds it
             * @example 3
             */
            revision: number;
        };
        InstanceAvailability: {
            api_enabled: boolean;
            applications: components["schemas"]["BoundedCount"];
            key_pairs: components["schemas"]["BoundedCount"];
            active_tokens: components["schemas"]["BoundedCount"];
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
            /**
             * @description The name that users see on every page
             * @example Example keys
             */
            name?: string;
            /**
             * @description The colour of buttons, links and selected items
             * @example #1f5fbf
             */
            accent?: string;
            /** @description Shown beside the name; null: no logo */
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
                /**
                 * @description In seconds; null: the lifetime of the API
                 * @example 3600
                 */
                access_token_ttl?: number | null;
                /**
                 * @description In seconds, from the last rotation; null: 30 days
                 * @example 3600
                 */
                refresh_token_ttl?: number | null;
                /**
                 * @description Which users see the allow/deny page
                 * @enum {string}
                 */
                consent?: "show" | "skip_own_account";
                /**
                 * @description Token requests per second, minute or hour: N/s, N/min or N/h; null: no limit
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
            /**
             * @description The address that the user signs in with
             * @example ada@example.com
             */
            email: string;
            /** @description Asserts that the address belongs to the user; applications receive it as the claim `email_verified`. A change of the address makes it false */
            email_verified?: boolean;
            /**
             * @description The full name of the user; null: unknown
             * @example Ada Lovelace
             */
            name?: string | null;
            /**
             * @description A member signs in to applications, an admin manages the account, and an operator manages the instance
             * @enum {string}
             */
            role: "member" | "admin" | "operator";
            /**
             * Format: uuid
             * @description Default: the account of the caller
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
            /** @description Null until the user generates a key pair */
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
                 * @description Increases with each change; the ETag holds it
                 * @example 3
                 */
                revision: number;
                apis: components["schemas"]["ClientApi"][];
                secrets: components["schemas"]["StoredSecret"][];
                active_tokens: components["schemas"]["BoundedCount"];
                /** @description The callers of the last 24 hours, at most 20 */
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
            /** @description The APIs that the key pair may call; the first is its default. Default: the APIs of the previous pair, or the default API */
            apis?: string[];
            /** @description The client id of the pair to replace, null for none; the response is 412 when the user has another pair */
            replaces?: string | null;
        };
        /**
         * @example {
         *       "name": "ACME Corp"
         *     }
         */
        NewAccount: {
            /**
             * @description The name of the customer
             * @example ACME Corp
             */
            name: string;
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
            /**
             * @description An absolute URI without a fragment: the audience of its access tokens
             * @example https://api.example.com
             */
            identifier: string;
            /**
             * @description Its scopes; not openid, profile, email or offline_access
             * @example [
             *       "invoices:read"
             *     ]
             */
            scopes: string[];
            /**
             * @description The lifetime of its access tokens in seconds; an application can override it
             * @default 3600
             * @example 3600
             */
            token_ttl?: number;
            /**
             * @description single: a new token revokes the earlier one of the same client and subject
             * @default none
             * @enum {string}
             */
            policy?: "none" | "single";
            /**
             * @description The algorithm that signs its access tokens; its resource servers must support it
             * @default ES256
             * @enum {string}
             */
            signing_alg?: "ES256" | "RS256" | "PS256" | "EdDSA";
            /**
             * @description The typ of its access tokens: JWT for resource servers that reject at+jwt (RFC 9068)
             * @default at+jwt
             * @enum {string}
             */
            token_type?: "at+jwt" | "JWT";
            /**
             * @description Whether it is the API of token requests that name none
             * @default false
             */
            is_default?: boolean;
            /** @description The title and description that users see, by scope */
            texts?: {
                [key: string]: {
                    title: string;
                    /** @default  */
                    description?: string;
                };
            };
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
            /**
             * @description The name that users see on the allow/deny page
             * @example Billing export
             */
            name: string;
            /**
             * @description A note for admins; users do not see it
             * @example Exports invoices every night; maintained by the billing team
             */
            description?: string;
            /**
             * @description The grant types that the application may use: authorization_code, refresh_token, client_credentials, urn:ietf:params:oauth:grant-type:device_code
             * @example [
             *       "authorization_code",
             *       "refresh_token"
             *     ]
             */
            grants: string[];
            /** @description A public client, such as a desktop or mobile app, has no client secret */
            is_public?: boolean;
            /**
             * @description Redirect URIs; an authorization request must match one exactly
             * @example [
             *       "https://app.example.com/callback"
             *     ]
             */
            redirect_uris?: string[];
            /**
             * @description Which users see the allow/deny page; only operators may set skip
             * @enum {string}
             */
            consent?: "show" | "skip_own_account" | "skip";
            /**
             * @description The scopes of a request that names none; null: every scope of the application
             * @example [
             *       "openid",
             *       "read"
             *     ]
             */
            default_scopes?: string[] | null;
            /**
             * @description Redirect URIs after sign-out
             * @example [
             *       "https://app.example.com/"
             *     ]
             */
            post_logout_redirect_uris?: string[];
            /**
             * @description Receives a logout token when a user signs out (OpenID Connect Back-Channel Logout)
             * @example https://app.example.com/logout
             */
            backchannel_logout_uri?: string | null;
            /**
             * @description The algorithm that signs ID tokens
             * @enum {string}
             */
            id_token_alg?: "RS256" | "ES256";
            /**
             * @description In seconds; null: the lifetime of the API
             * @example 3600
             */
            access_token_ttl?: number | null;
            /**
             * @description In seconds, from the last rotation; null: 30 days
             * @example 3600
             */
            refresh_token_ttl?: number | null;
            /**
             * @description In seconds, from the sign-in; null: no maximum age
             * @example 3600
             */
            refresh_token_max_age?: number | null;
            /**
             * @description Which requests without the scope openid get a refresh token: all, or those with the scope offline_access
             * @enum {string}
             */
            refresh_tokens?: "always" | "offline_access";
            /** @description single: a new token revokes the earlier one; null: the policy of the API */
            policy?: ("none" | "single") | null;
            /** @description Accept client credentials in the query string, where logs may record them */
            query_credentials?: boolean;
            /** @description Issue a refresh token for client_credentials */
            client_credentials_refresh?: boolean;
            /** @description Require an API key in the x-api-key header */
            api_key_required?: boolean;
            /** @description Require PKCE (RFC 7636); always true for public clients */
            pkce_required?: boolean;
            /** @description Each use of a refresh token replaces it; always true for public clients */
            refresh_token_rotation?: boolean;
            /**
             * @description Token requests per second, minute or hour: N/s, N/min or N/h; null: no limit; visible to operators only
             * @example 10/s
             */
            rate_limit?: string | null;
            /**
             * @description Whether the application may act for users, for itself, or both; visible to operators only
             * @enum {string}
             */
            access_type?: "both" | "user" | "client";
            /**
             * @description The APIs that the application may call; the first is its default
             * @example [
             *       "https://api.example.com"
             *     ]
             */
            apis?: string[];
            /**
             * @description The scopes that the application may request; null: every scope of its APIs, including later ones
             * @example [
             *       "read"
             *     ]
             */
            scopes?: string[] | null;
            /** @description Default: the account of the caller; null: the instance (operators only) */
            account_id?: string | null;
        };
        Overview: {
            /**
             * Format: uuid
             * @example 019a7f3e-6c1b-7d52-9a54-3f1c2b7e8d90
             */
            account_id: string;
            /** @description The key pair of the caller; null until the first one is generated */
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
            /** @description Active applications */
            applications: components["schemas"]["BoundedCount"];
            /** @description Active users */
            users: components["schemas"]["BoundedCount"];
            api_enabled: boolean;
        };
        /** @description Problem details (RFC 9457) */
        Problem: {
            /**
             * Format: uri
             * @example urn:keywright:error:not_found
             */
            type: string;
            title: string;
            status: number;
            detail: string;
            /** @description The id of the request, as in X-Request-Id */
            instance: string;
            errors?: {
                /**
                 * @description The field of the body, as a JSON pointer
                 * @example #/redirect_uris
                 */
                pointer?: string;
                /**
                 * @description The query or path parameter
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
            /**
             * @description The name that users see on the allow/deny page
             * @example Billing export
             */
            name: string;
            /**
             * @description A note for admins; users do not see it
             * @example Exports invoices every night; maintained by the billing team
             */
            description: string;
            /**
             * @description The grant types that the application may use: authorization_code, refresh_token, client_credentials, urn:ietf:params:oauth:grant-type:device_code
             * @example [
             *       "authorization_code",
             *       "refresh_token"
             *     ]
             */
            grants: string[];
            /** @description A public client, such as a desktop or mobile app, has no client secret */
            is_public: boolean;
            /**
             * @description Redirect URIs; an authorization request must match one exactly
             * @example [
             *       "https://app.example.com/callback"
             *     ]
             */
            redirect_uris: string[];
            /**
             * @description Which users see the allow/deny page; only operators may set skip
             * @enum {string}
             */
            consent: "show" | "skip_own_account" | "skip";
            /**
             * @description The scopes of a request that names none; null: every scope of the application
             * @example [
             *       "openid",
             *       "read"
             *     ]
             */
            default_scopes: string[] | null;
            /**
             * @description Redirect URIs after sign-out
             * @example [
             *       "https://app.example.com/"
             *     ]
             */
            post_logout_redirect_uris: string[];
            /**
             * @description Receives a logout token when a user signs out (OpenID Connect Back-Channel Logout)
             * @example https://app.example.com/logout
             */
            backchannel_logout_uri: string | null;
            /**
             * @description The algorithm that signs ID tokens
             * @enum {string}
             */
            id_token_alg: "RS256" | "ES256";
            /**
             * @description In seconds; null: the lifetime of the API
             * @example 3600
             */
            access_token_ttl: number | null;
            /**
             * @description In seconds, from the last rotation; null: 30 days
             * @example 3600
             */
            refresh_token_ttl: number | null;
            /**
             * @description In seconds, from the sign-in; null: no maximum age
             * @example 3600
             */
            refresh_token_max_age: number | null;
            /**
             * @description Which requests without the scope openid get a refresh token: all, or those with the scope offline_access
             * @enum {string}
             */
            refresh_tokens: "always" | "offline_access";
            /** @description single: a new token revokes the earlier one; null: the policy of the API */
            policy: ("none" | "single") | null;
            /** @description Accept client credentials in the query string, where logs may record them */
            query_credentials: boolean;
            /** @description Issue a refresh token for client_credentials */
            client_credentials_refresh: boolean;
            /** @description Require an API key in the x-api-key header */
            api_key_required: boolean;
            /** @description Require PKCE (RFC 7636); always true for public clients */
            pkce_required: boolean;
            /** @description Each use of a refresh token replaces it; always true for public clients */
            refresh_token_rotation: boolean;
            /**
             * @description Token requests per second, minute or hour: N/s, N/min or N/h; null: no limit; visible to operators only
             * @example 10/s
             */
            rate_limit?: string | null;
            /**
             * @description Whether the application may act for users, for itself, or both; visible to operators only
             * @enum {string}
             */
            access_type?: "both" | "user" | "client";
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
            /**
             * @description Increases with each change; the ETag holds it
             * @example 3
             */
            revision: number;
            /**
             * @description Shown only in this response; absent for public clients
             * @example kws_5fX0lC2mQ8vT1nR7bK4wZ9yH3dJ6sP0aGuEiOxLqMtV1c9Zk
             */
            client_secret?: string;
            /** @description Shown only in this response; absent when the client needs no API key */
            api_key?: string;
        };
        Revoked: {
            /**
             * @description How many valid tokens this request revoked; null: too many to count
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
             * @description Seconds for which the previous secret still works; 0: it stops working at once
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
            /** @description When the key started or starts to sign; null: not scheduled */
            signs_from: string | null;
        };
        /** @description A client secret or API key without its value, which is shown only once */
        StoredSecret: {
            /** @description Identifies the secret in requests that revoke it */
            id: number;
            /** @enum {string} */
            kind: "secret" | "api_key";
            last_four: string;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
            /** @description When the secret stops working; null: not rotated */
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
                 * @description The start of the hour or day
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
            /** @description The account of the user; null: an operator, who belongs to no account */
            account_id: string | null;
            /**
             * @description The address that the user signs in with
             * @example ada@example.com
             */
            email: string;
            /** @description Asserts that the address belongs to the user; applications receive it as the claim `email_verified`. A change of the address makes it false */
            email_verified: boolean;
            /**
             * @description The full name of the user; null: unknown
             * @example Ada Lovelace
             */
            name: string | null;
            /**
             * @description A member signs in to applications, an admin manages the account, and an operator manages the instance
             * @enum {string}
             */
            role: "member" | "admin" | "operator";
            /**
             * @description disabled: the user cannot sign in, and all their tokens are revoked
             * @enum {string}
             */
            status: "active" | "disabled";
            /**
             * @description Increases with each change; the ETag holds it
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
            /**
             * @description The address that the user signs in with
             * @example ada@example.com
             */
            email?: string;
            /** @description Asserts that the address belongs to the user; applications receive it as the claim `email_verified`. A change of the address makes it false */
            email_verified?: boolean;
            /**
             * @description The full name of the user; null: unknown
             * @example Ada Lovelace
             */
            name?: string | null;
            /**
             * @description A member signs in to applications, an admin manages the account, and an operator manages the instance
             * @enum {string}
             */
            role?: "member" | "admin";
        };
        UserDetails: {
            /**
             * Format: uuid
             * @example 019a7f3e-6c1b-7d52-9a54-3f1c2b7e8d90
             */
            id: string;
            /** @description The account of the user; null: an operator, who belongs to no account */
            account_id: string | null;
            /**
             * @description The address that the user signs in with
             * @example ada@example.com
             */
            email: string;
            /** @description Asserts that the address belongs to the user; applications receive it as the claim `email_verified`. A change of the address makes it false */
            email_verified: boolean;
            /**
             * @description The full name of the user; null: unknown
             * @example Ada Lovelace
             */
            name: string | null;
            /**
             * @description A member signs in to applications, an admin manages the account, and an operator manages the instance
             * @enum {string}
             */
            role: "member" | "admin" | "operator";
            /**
             * @description disabled: the user cannot sign in, and all their tokens are revoked
             * @enum {string}
             */
            status: "active" | "disabled";
            /**
             * @description Increases with each change; the ETag holds it
             * @example 3
             */
            revision: number;
            account_name: string | null;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
            /** @description The user has not yet set their own password */
            is_invited: boolean;
            /** @description False until an admin gives the user a one-time password in the console or CLI */
            has_password: boolean;
            last_signed_in_at: string | null;
            key_pair: string | null;
            /** @description Applications that the user gave consent to */
            applications: number;
            own_tokens: components["schemas"]["BoundedCount"];
            application_tokens: components["schemas"]["BoundedCount"];
            /** @description The user is the last active admin of the account */
            is_last_admin: boolean;
        };
        UserSummary: {
            /**
             * Format: uuid
             * @example 019a7f3e-6c1b-7d52-9a54-3f1c2b7e8d90
             */
            id: string;
            /** @description The account of the user; null: an operator, who belongs to no account */
            account_id: string | null;
            /**
             * @description The address that the user signs in with
             * @example ada@example.com
             */
            email: string;
            /** @description Asserts that the address belongs to the user; applications receive it as the claim `email_verified`. A change of the address makes it false */
            email_verified: boolean;
            /**
             * @description The full name of the user; null: unknown
             * @example Ada Lovelace
             */
            name: string | null;
            /**
             * @description A member signs in to applications, an admin manages the account, and an operator manages the instance
             * @enum {string}
             */
            role: "member" | "admin" | "operator";
            /**
             * @description disabled: the user cannot sign in, and all their tokens are revoked
             * @enum {string}
             */
            status: "active" | "disabled";
            /**
             * @description Increases with each change; the ETag holds it
             * @example 3
             */
            revision: number;
            account_name: string | null;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
            /** @description The user has not yet set their own password */
            is_invited: boolean;
            /** @description False until an admin gives the user a one-time password in the console or CLI */
            has_password: boolean;
            last_signed_in_at: string | null;
        };
    };
    responses: {
        /** @description Invalid request (invalid_input) */
        Problem400: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Invalid access token (invalid_token); Access token required (missing_token) */
        Problem401: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Permission denied (forbidden); Insufficient scope (insufficient_scope) */
        Problem403: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Not found (not_found) */
        Problem404: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Method not allowed (method_not_allowed) */
        Problem405: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Conflicts with the current state (conflict) */
        Problem409: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description The resource has changed (stale) */
        Problem412: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Request body too large (too_large) */
        Problem413: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Unsupported media type (unsupported_media_type) */
        Problem415: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Idempotency key reused (key_reused) */
        Problem422: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description If-Match header required (precondition_required) */
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
        /** @description Internal server error (server_error) */
        Problem500: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Service temporarily unavailable (unavailable) */
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
        /** @description The id of this request in the logs and the activity log */
        "X-Request-Id": string;
        /** @description The remaining requests (draft-ietf-httpapi-ratelimit-headers) */
        RateLimit: string;
        /** @description The revision, for If-Match */
        ETag: string;
        /** @description The next page of the list (RFC 8288) */
        Link: string;
        /** @description true when this is the response of an earlier request with the same Idempotency-Key */
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
                 * @description A unique value that the caller generates for each creation; a retry with the same key gets the same response
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
                 * @description A unique value that the caller generates for each creation; a retry with the same key gets the same response
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
                /** @description The beginnings of words, or a complete id */
                search?: string;
                status?: "active" | "archived";
                account_id?: string;
                /** @description The id of the user who created the application */
                created_by?: string;
                /** @description The maximum number of items */
                limit?: number;
                /** @description `next` of the previous page */
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
                        /** @description The cursor for `after`; null: this is the last page */
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
                 * @description A unique value that the caller generates for each creation; a retry with the same key gets the same response
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
                 * @description The ETag of the last read, or * to change any revision
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
                 * @description A unique value that the caller generates for each creation; a retry with the same key gets the same response
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
                 * @description A unique value that the caller generates for each creation; a retry with the same key gets the same response
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
                /** @description The maximum number of items */
                limit?: number;
                /** @description `next` of the previous page */
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
                        items: components["schemas"]["ActiveToken"][];
                        /** @description The cursor for `after`; null: this is the last page */
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
                /** @description The maximum number of items */
                limit?: number;
                /** @description `next` of the previous page */
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
                        items: components["schemas"]["ActiveGrant"][];
                        /** @description The cursor for `after`; null: this is the last page */
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
                /** @description The beginnings of words, or a complete id */
                search?: string;
                /** @description A member signs in to applications, an admin manages the account, and an operator manages the instance */
                role?: "member" | "admin" | "operator";
                /** @description disabled: the user cannot sign in, and all their tokens are revoked */
                status?: "active" | "disabled";
                account_id?: string;
                /** @description The maximum number of items */
                limit?: number;
                /** @description `next` of the previous page */
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
                        /** @description The cursor for `after`; null: this is the last page */
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
                 * @description A unique value that the caller generates for each creation; a retry with the same key gets the same response
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
    updateUser: {
        parameters: {
            query?: never;
            header: {
                /**
                 * @description The ETag of the last read, or * to change any revision
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
                /** @description The beginning of the action name */
                actions?: string;
                /** @description The id of the actor */
                actor?: string;
                /** @description The id of the target */
                target?: string;
                ip?: string;
                request_id?: string;
                /** @description Events at or after this time */
                from?: string;
                /** @description Events before this time */
                to?: string;
                /** @description The maximum number of items */
                limit?: number;
                /** @description `next` of the previous page */
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
                        /** @description The cursor for `after`; null: this is the last page */
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
                /** @description The beginning of the action name */
                actions?: string;
                /** @description The id of the actor */
                actor?: string;
                /** @description The id of the target */
                target?: string;
                ip?: string;
                request_id?: string;
                /** @description Events at or after this time */
                from?: string;
                /** @description Events before this time */
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
                /** @description The beginnings of words, or a complete id */
                search?: string;
                /** @description disabled: its users cannot sign in, and all its tokens are revoked */
                status?: "active" | "disabled";
                /** @description The maximum number of items */
                limit?: number;
                /** @description `next` of the previous page */
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
                        /** @description The cursor for `after`; null: this is the last page */
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
                 * @description A unique value that the caller generates for each creation; a retry with the same key gets the same response
                 * @example 8e03978e-40d5-43dd-bc93-6894a57f9324
                 */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewAccount"];
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
                 * @description The ETag of the last read, or * to change any revision
                 * @example "3"
                 */
                "If-Match": string;
            };
            path: {
                account_id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["AccountChange"];
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
                /** @description A part of the identifier, or a complete scope */
                search?: string;
                /** @description The maximum number of items */
                limit?: number;
                /** @description `next` of the previous page */
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
                        /** @description The cursor for `after`; null: this is the last page */
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
                 * @description A unique value that the caller generates for each creation; a retry with the same key gets the same response
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
                 * @description The ETag of the last read, or * to change any revision
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
                 * @description A unique value that the caller generates for each creation; a retry with the same key gets the same response
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
                 * @description The ETag of the last read, or * to change any revision
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
