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
         * @description Requires a viewer, developer or admin of the account, or an operator.
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
         * @description Requires a developer or admin of the account, or an operator.
         */
        get: operations["readOwnKeyPair"];
        put?: never;
        /**
         * Generate a new key pair for the caller
         * @description Revokes the previous key pair and all its tokens before the response is sent. A request that authenticates with a token of the previous pair cannot be retried, because that token is revoked too. Requires a developer or admin of the account, or an operator.
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
         * @description Requires a developer or admin of the account, or an operator.
         */
        get: operations["readKeyPair"];
        put?: never;
        /**
         * Generate a new key pair for a user
         * @description Revokes the previous key pair and all its tokens before the response is sent. A request that authenticates with a token of the previous pair cannot be retried, because that token is revoked too. Only operators may generate a key pair for another user. Requires a developer or admin of the account, or an operator.
         */
        post: operations["generateKeyPair"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/key-pairs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the key pairs of the caller, the default one first
         * @description Requires a developer or admin of the account, or an operator.
         */
        get: operations["listOwnKeyPairs"];
        put?: never;
        /**
         * Generate a new named key pair for the caller
         * @description The APIs must allow named key pairs. Revokes the previous key pair of this name and all its tokens before the response is sent; the other key pairs stay. A user has at most 20 active named key pairs. Requires a developer or admin of the account, or an operator.
         */
        post: operations["generateOwnNamedKeyPair"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/{user_id}/key-pairs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the key pairs of a user, the default one first
         * @description Requires a developer or admin of the account, or an operator.
         */
        get: operations["listKeyPairs"];
        put?: never;
        /**
         * Generate a new named key pair for a user
         * @description The APIs must allow named key pairs. Revokes the previous key pair of this name and all its tokens before the response is sent; the other key pairs stay. A user has at most 20 active named key pairs. Only operators may generate a key pair for another user. Requires a developer or admin of the account, or an operator.
         */
        post: operations["generateNamedKeyPair"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/clients": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List applications and key pairs, newest first
         * @description Requires the scopes applications:read and key_pairs:read. Replaced key pairs are left out. Requires a viewer, developer or admin of the account, or an operator.
         */
        get: operations["listClients"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/key-pairs/{client_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Retrieve a key pair by its client id
         * @description Requires a viewer, developer or admin of the account, or an operator.
         */
        get: operations["readKeyPairDetails"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Update the settings of a key pair
         * @description Revokes the tokens that exceed the new access; others stay valid. Only the owner of the key pair and operators may update it. The response holds an API key when the key pair requires one from now on. Requires a developer or admin of the account, or an operator.
         */
        patch: operations["updateKeyPair"];
        trace?: never;
    };
    "/api/v1/key-pairs/{client_id}/stop": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Stop a key pair for good; revokes all its tokens
         * @description Its client secret stops working, and its tokens are revoked, before the response is sent. It cannot be restored; its owner generates a new key pair, which keeps the settings. Stopping a stopped key pair changes nothing. Requires a developer or admin of the account, or an operator.
         */
        post: operations["stopKeyPair"];
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
         * @description Requires a viewer, developer or admin of the account, or an operator.
         */
        get: operations["listApplications"];
        put?: never;
        /**
         * Create an application
         * @description Requires a developer or admin of the account, or an operator.
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
         * @description Requires a viewer, developer or admin of the account, or an operator.
         */
        get: operations["readApplication"];
        put?: never;
        post?: never;
        /**
         * Delete an archived application; its tokens stay revoked
         * @description Requires a developer or admin of the account, or an operator.
         */
        delete: operations["deleteApplication"];
        options?: never;
        head?: never;
        /**
         * Update an application
         * @description Revokes the access tokens, refresh tokens, authorization codes and consents that exceed the new access; others stay valid. The response holds an API key when the application requires one from now on. Requires a developer or admin of the account, or an operator.
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
         * @description Requires a developer or admin of the account, or an operator.
         */
        post: operations["archiveApplication"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/applications/archive": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Archive several applications; revokes all their tokens
         * @description The response names the applications that were active. The applications are archived one after the other; after an error the request can be repeated. Requires a developer or admin of the account, or an operator.
         */
        post: operations["archiveApplications"];
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
         * @description The application gets a new client secret, shown only in this response, because the previous one may have leaked. Set keep_secret to keep the previous secret. Requires a developer or admin of the account, or an operator.
         */
        post: operations["restoreApplication"];
        delete?: never;
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
        /**
         * List the valid client secrets and API keys of an application, each with its callers
         * @description Requires a viewer, developer or admin of the account, or an operator.
         */
        get: operations["listApplicationSecrets"];
        put?: never;
        /**
         * Rotate the client secret, and the API key if the application requires one; or replace the public keys or certificates
         * @description Requires a developer or admin of the account, or an operator.
         */
        post: operations["rotateApplicationSecret"];
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
         * Revoke a previous client secret before its overlap ends, or one of several public keys, with the tokens that it obtained
         * @description Requires a developer or admin of the account, or an operator.
         */
        delete: operations["retireApplicationSecret"];
        options?: never;
        head?: never;
        /**
         * Retire a previous client secret when it is unused, or earlier
         * @description Requires a developer or admin of the account, or an operator.
         */
        patch: operations["updateApplicationSecret"];
        trace?: never;
    };
    "/api/v1/applications/{client_id}/keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Add public keys to those of an application that authenticates by its private key; the others stay
         * @description Requires a developer or admin of the account, or an operator.
         */
        post: operations["addApplicationKeys"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/applications/{client_id}/keys/fetch": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Fetch the public keys of an application with jwks_uri now
         * @description The response says whether the fetch succeeded. At most one fetch is made in 60 seconds, over all nodes; a request within this time is refused with 429. Requires a developer or admin of the account, or an operator.
         */
        post: operations["fetchApplicationKeys"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/applications/{client_id}/trusts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Add a trust in an issuer to those of an application with workload identity; the others stay
         * @description Requires a developer or admin of the account, or an operator.
         */
        post: operations["addApplicationTrust"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/applications/{client_id}/trusts/{secret_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Change a trust of an application, but not its issuer
         * @description If the trust then accepts every token that it accepted before, the tokens that it obtained stay. Otherwise it is replaced by one with another ID, and they are revoked. Requires a developer or admin of the account, or an operator.
         */
        patch: operations["updateApplicationTrust"];
        trace?: never;
    };
    "/api/v1/applications/{client_id}/trusts/check": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Compare the token of a workload to the trusts of an application, claim by claim
         * @description Nothing is issued, and the token is neither stored, logged nor returned. An earlier use of the token is not looked up. Requires a viewer, developer or admin of the account, or an operator.
         */
        post: operations["checkWorkloadToken"];
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
         * @description Requires a viewer, developer or admin of the account, or an operator.
         */
        get: operations["listTokens"];
        put?: never;
        post?: never;
        /**
         * Revoke all access and refresh tokens of an application or key pair; it can get new ones
         * @description Requires a developer or admin of the account, or an operator.
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
         * @description Requires a developer or admin of the account, or an operator.
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
         * @description Requires a viewer, developer or admin of the account, or an operator.
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
         * @description Requires a developer or admin of the account, or an operator.
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
    "/api/v1/inspect": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Find what a text is, whose it is and whether it works: the text is in a header
         * @description The text is neither stored, logged nor returned. An admin finds what belongs to the own account. Headers of more than 16 KiB are refused; send a longer text as a body. Requires a viewer, developer or admin of the account, or an operator.
         */
        get: operations["inspectHeader"];
        put?: never;
        /**
         * Find what a text is, whose it is and whether it works
         * @description The text is neither stored, logged nor returned. An admin finds what belongs to the own account. Requires a viewer, developer or admin of the account, or an operator.
         */
        post: operations["inspect"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/leak-reports": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the reports of leaked credentials, latest first
         * @description Requires a viewer, developer or admin of the account, or an operator.
         */
        get: operations["listLeakReports"];
        put?: never;
        /**
         * Report leaked client secrets, API keys and tokens, which revokes them
         * @description Whether a credential is revoked or only reported is the account's setting `leaked_credentials`. The texts are neither stored, logged nor returned. A repeated report changes nothing. An admin reports for the own account. GitHub sends the same body with its signature instead of an access token (docs/secret-scanning.md). Requires an admin of the account or an operator.
         */
        post: operations["reportLeaks"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/leak-reports/{leak_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get the report of a leaked credential
         * @description Requires a viewer, developer or admin of the account, or an operator.
         */
        get: operations["getLeakReport"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/leak-reports/{leak_id}/dismiss": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Dismiss a report, which hides its banner in the console
         * @description Requires an admin of the account or an operator.
         */
        post: operations["dismissLeakReport"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/clients/{client_id}/refusals": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Retrieve the refused requests of an application or key pair by reason, with the latest samples
         * @description Requires a viewer, developer or admin of the account, or an operator.
         */
        get: operations["readClientRefusals"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/clients/{client_id}/usage": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Retrieve the issued tokens, refused requests and quotas of an application or key pair
         * @description Counts by hour or day, at most 72 hours or 400 days. Hours are kept for two days at least, days for 400 days. Requires a viewer, developer or admin of the account, or an operator.
         */
        get: operations["readClientUsage"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/refused-clients": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the clients with refused requests in the last hour, the latest first
         * @description Requires a viewer, developer or admin of the account, or an operator.
         */
        get: operations["listRefusedClients"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/usage/export": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Export usage per day, client and API as CSV
         * @description The first line names the columns. A text that a spreadsheet would take for a formula begins with an apostrophe. At most 400 days. A caller may run four exports at once. Requires a viewer, developer or admin of the account, or an operator.
         */
        get: operations["exportUsage"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/clients/{client_id}/revocation-effect": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Retrieve what became of the callers of a client since its tokens were revoked, and where the tokens still work
         * @description For a client whose tokens were revoked together: revoked, archived, stopped or replaced. Callers are the addresses of the last day before. Requires a viewer, developer or admin of the account, or an operator.
         */
        get: operations["readRevocationEffect"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/{user_id}/offboard": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Off-board a user: disables them and ends their sessions, consents, key pairs and tokens
         * @description One transaction, which can be repeated. Resource servers that follow the revocation feed refuse the tokens within a second. Enabling the user brings nothing back: they sign in, consent and generate key pairs again. Requires an admin of the account or an operator.
         */
        post: operations["offboardUser"];
        delete?: never;
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
         * @description The user has no password until someone gives them a one-time password in the console or with `keywright user reset-password`. The API never returns passwords. An address that a user of another account has is a conflict only for operators: otherwise that person joins the account with their own user, by an invitation. Requires an admin of the account or an operator.
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
        /**
         * Delete a disabled user, and erase their personal data in the activity log
         * @description Deletes the key pairs, consents and refresh tokens of the user. Applications that the user added stay. Events of the user stay in the activity log without their name, email address and IP addresses. Requires an admin of the account or an operator.
         */
        delete: operations["deleteUser"];
        options?: never;
        head?: never;
        /**
         * Update a user's name, email address or role
         * @description A user who becomes a member loses their key pairs permanently. A token that acts for a user, such as the token of a key pair, cannot change an email address. The address of a user who has signed in is changed only by the user and by operators. Requires an admin of the account or an operator.
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
    "/api/v1/users/{user_id}/send-verification": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Send a user a link to verify their email address
         * @description The link works once, for one day, and signs nobody in. Fails with `conflict` if the address is verified, and with `invalid_input` if the instance sends no email. Requires an admin of the account or an operator.
         */
        post: operations["sendVerification"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/{user_id}/reset-factors": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Remove a user's passkeys and second factors and revoke their sessions
         * @description For a user who has lost the passkeys, the authenticator app and the recovery codes. The password alone is then enough to sign in; a user who must have a second factor sets one up at the next sign-in. Not allowed with a token that acts for a user, such as the token of a key pair. Requires an admin of the account or an operator.
         */
        post: operations["resetFactors"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/{user_id}/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List where a user is signed in, the session that was used last first
         * @description At most 100. `DELETE /users/{user_id}/tokens` ends all sessions of the user, and revokes the tokens. Requires an admin of the account or an operator.
         */
        get: operations["listSessionsOfUser"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/{user_id}/memberships": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the accounts that a user belongs to, the first account first
         * @description Admins see the membership in their own account only. Requires an admin of the account or an operator.
         */
        get: operations["listMemberships"];
        put?: never;
        /**
         * Add a user to a further account
         * @description Nobody asks the user. An admin of their other account may have chosen their address, or set up how they sign in, so name the address that you know: until it is confirmed, and the user has proven the mailbox, they act in the account only in sessions that your service opens (`waits_for`). Requires an operator.
         */
        post: operations["addMembership"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/{user_id}/memberships/{account_id}": {
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
         * Remove a user from an account
         * @description Revokes the key pairs of the user in the account and the tokens that came of the membership. Fails with `conflict` for the only account of a user: disable and delete the user instead. Requires an admin of the account or an operator.
         */
        delete: operations["removeMembership"];
        options?: never;
        head?: never;
        /**
         * Change the role of a user in an account, or disable or enable them there
         * @description A user who becomes a viewer or member of the account, or is disabled there, loses their key pairs of that account permanently. A user of one account only is disabled altogether. Requires an admin of the account or an operator.
         */
        patch: operations["updateMembership"];
        trace?: never;
    };
    "/api/v1/users/{user_id}/identities": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List who a user is at identity providers
         * @description Requires an admin of the account or an operator.
         */
        get: operations["listIdentitiesOfUser"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/{user_id}/identities/{identity_id}": {
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
         * Disconnect a user from an identity provider
         * @description Ends the sessions that began with the identity. Requires an admin of the account or an operator.
         */
        delete: operations["removeIdentityOfUser"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/scim-tokens": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the SCIM tokens of an account that work
         * @description Requires an admin of the account or an operator.
         */
        get: operations["listScimTokens"];
        put?: never;
        /**
         * Generate a SCIM token
         * @description The identity provider of the account adds, changes and off-boards users with it at `/scim/v2`, and at the Global Token Revocation endpoint. An account has at most 2, so that one can replace the other. Not allowed with a token that acts for a user. Requires an admin of the account or an operator.
         */
        post: operations["generateScimToken"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/scim-tokens/{token_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Retrieve a SCIM token, without its text
         * @description Requires an admin of the account or an operator.
         */
        get: operations["readScimToken"];
        put?: never;
        post?: never;
        /**
         * Revoke a SCIM token; it stops working at once
         * @description Requires an admin of the account or an operator.
         */
        delete: operations["revokeScimToken"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/initial-access-tokens": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the initial access tokens of an account
         * @description Requires an admin of the account or an operator.
         */
        get: operations["listInitialAccessTokens"];
        put?: never;
        /**
         * Generate an initial access token
         * @description Applications register themselves with it at `POST /oauth2/register` (RFC 7591), and belong to the account. An account has at most 20. Not allowed with a token that acts for a user. Requires an admin of the account or an operator.
         */
        post: operations["generateInitialAccessToken"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/initial-access-tokens/{initial_access_token_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Retrieve an initial access token, without its text
         * @description Requires an admin of the account or an operator.
         */
        get: operations["readInitialAccessToken"];
        put?: never;
        post?: never;
        /**
         * Revoke an initial access token; registered applications stay
         * @description Requires an admin of the account or an operator.
         */
        delete: operations["revokeInitialAccessToken"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/software-statement-issuers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the trusted issuers of software statements
         * @description Requires an operator.
         */
        get: operations["listSoftwareStatementIssuers"];
        put?: never;
        /**
         * Trust an issuer of software statements
         * @description While dynamic client registration is enabled, every application with a software statement of the issuer can register itself at `POST /oauth2/register` (RFC 7591, section 2.3), and belongs to the account. An instance trusts at most 50. Not allowed with a token that acts for a user. Requires an operator.
         */
        post: operations["trustSoftwareStatementIssuer"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/software-statement-issuers/{issuer_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Retrieve a trusted issuer of software statements, with the applications that registered by them
         * @description Requires an operator.
         */
        get: operations["readSoftwareStatementIssuer"];
        put?: never;
        post?: never;
        /**
         * Stop trusting an issuer of software statements; registered applications stay
         * @description Requires an operator.
         */
        delete: operations["removeSoftwareStatementIssuer"];
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
         * @description Requires a viewer, developer or admin of the account, or an operator.
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
         * @description A caller may run four exports at once, for at most ten minutes each. When an export fails, or its token is revoked, the connection is closed before the final chunk of the response. Requires a viewer, developer or admin of the account, or an operator.
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
    "/api/v1/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read the events of the activity log as they happen
         * @description Server-sent events in the order of the audit chain, about a second after they are committed. To continue without a gap, send the ID of the last event in Last-Event-ID, on any node. A stream ends after nine minutes, and when the token is revoked. A caller may read four streams at once, an account twelve on each node (429); a node serves a hundred (503). The response is 409 when events after the ID were deleted by age, or when the database was set back; a stream that is open then ends with an event of the type `problem`, whose data is the same error. Requires a viewer, developer or admin of the account, or an operator.
         */
        get: operations["streamEvents"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/webhooks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List webhooks, newest first
         * @description Requires a viewer, developer or admin of the account, or an operator.
         */
        get: operations["listWebhooks"];
        put?: never;
        /**
         * Create a webhook
         * @description It receives the events of the activity log as signed messages (Standard Webhooks). An account, and the instance, has at most 20 webhooks. Requires an admin of the account or an operator.
         */
        post: operations["createWebhook"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/webhooks/{webhook_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Retrieve a webhook
         * @description Requires a viewer, developer or admin of the account, or an operator.
         */
        get: operations["readWebhook"];
        put?: never;
        post?: never;
        /**
         * Delete a webhook
         * @description Pending events are not sent. Requires an admin of the account or an operator.
         */
        delete: operations["deleteWebhook"];
        options?: never;
        head?: never;
        /**
         * Update a webhook
         * @description Pending events are sent to the new URL. Requires an admin of the account or an operator.
         */
        patch: operations["updateWebhook"];
        trace?: never;
    };
    "/api/v1/webhooks/{webhook_id}/rotate-secret": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Rotate the signing secret
         * @description Requires an admin of the account or an operator.
         */
        post: operations["rotateWebhookSecret"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/webhooks/{webhook_id}/disable": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Disable a webhook
         * @description Pending events wait. Events that occur meanwhile are not sent. Requires an admin of the account or an operator.
         */
        post: operations["disableWebhook"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/webhooks/{webhook_id}/enable": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Enable a webhook
         * @description Pending events are sent at once. Requires an admin of the account or an operator.
         */
        post: operations["enableWebhook"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/webhooks/{webhook_id}/test": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Send a test message
         * @description The message has the type webhook.test. It is sent once, within seconds; the delivery shows the response. Requires an admin of the account or an operator.
         */
        post: operations["testWebhook"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/webhooks/{webhook_id}/deliveries": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the deliveries of a webhook, newest first
         * @description Deliveries are kept for 30 days. Requires a viewer, developer or admin of the account, or an operator.
         */
        get: operations["listWebhookDeliveries"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/webhooks/{webhook_id}/deliveries/{delivery_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Retrieve a delivery with its attempts
         * @description Requires a viewer, developer or admin of the account, or an operator.
         */
        get: operations["readWebhookDelivery"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/webhooks/{webhook_id}/deliveries/{delivery_id}/resend": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Send an event again
         * @description It is sent within seconds, with the same ID. Of a pending delivery, the next attempt is made at once. Requires an admin of the account or an operator.
         */
        post: operations["resendWebhookDelivery"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/identity-providers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List identity providers, newest first
         * @description Requires an admin of the account or an operator.
         */
        get: operations["listIdentityProviders"];
        put?: never;
        /**
         * Create an identity provider
         * @description Users then sign in through this OpenID provider. Its metadata is read first. Identity providers decide who signs in, so of the programs only an application of the instance that acts for itself may manage them. Requires an admin of the account or an operator.
         */
        post: operations["createIdentityProvider"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/identity-providers/{provider_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Retrieve an identity provider with its email domains
         * @description Requires an admin of the account or an operator.
         */
        get: operations["readIdentityProvider"];
        put?: never;
        post?: never;
        /**
         * Delete an identity provider
         * @description Ends the sessions that began with it, and removes the identities of its users. The users stay. Requires an admin of the account or an operator.
         */
        delete: operations["deleteIdentityProvider"];
        options?: never;
        head?: never;
        /**
         * Update an identity provider
         * @description Requires an admin of the account or an operator.
         */
        patch: operations["updateIdentityProvider"];
        trace?: never;
    };
    "/api/v1/identity-providers/{provider_id}/disable": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Disable an identity provider
         * @description Nobody signs in through it, and the sessions that began with it end. Requires an admin of the account or an operator.
         */
        post: operations["disableIdentityProvider"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/identity-providers/{provider_id}/enable": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Enable an identity provider
         * @description Users sign in through it again. Sessions that ended stay ended. Requires an admin of the account or an operator.
         */
        post: operations["enableIdentityProvider"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/identity-providers/{provider_id}/test": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Read the metadata of an identity provider
         * @description Answers 400 if the provider does not respond or its metadata is not valid. Requires an admin of the account or an operator.
         */
        post: operations["testIdentityProvider"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/identity-providers/{provider_id}/domains/{domain}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Add an email domain
         * @description Its addresses lead to the provider only after it is verified. Requires an admin of the account or an operator.
         */
        put: operations["addEmailDomain"];
        post?: never;
        /**
         * Remove an email domain
         * @description Requires an admin of the account or an operator.
         */
        delete: operations["removeEmailDomain"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/identity-providers/{provider_id}/domains/{domain}/verify": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Verify an email domain
         * @description Addresses of the domain then lead to the provider. An operator vouches that the domain belongs to the account; for others, the TXT record `_keywright.` with the domain must have the value `keywright-identity-provider=` with the ID of the provider. Requires an admin of the account or an operator.
         */
        post: operations["verifyEmailDomain"];
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
         * @description Requires a viewer, developer or admin of the account, or an operator.
         */
        get: operations["readAccount"];
        put?: never;
        post?: never;
        /**
         * Delete a disabled account with its users, applications and key pairs; their tokens stay revoked
         * @description Requires an operator.
         */
        delete: operations["deleteAccount"];
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
    "/api/v1/accounts/by-external-id/{external_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Create or update the account with this external ID
         * @description Concurrent and repeated requests have the effect of one. What is left out stays as it is; metadata is replaced as a whole. Requires an operator.
         */
        put: operations["upsertAccount"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/accounts/upsert": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Create or update many accounts by their external IDs
         * @description The body is in JSON lines, at most 1000. Each line is applied by itself, in order, and the response has a line for each. If the connection breaks, send the request again. Requires an operator.
         */
        post: operations["upsertAccounts"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/by-external-id/{external_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Create or update the user with this external ID
         * @description Concurrent and repeated requests have the effect of one. What is left out stays as it is; metadata is replaced as a whole. A new user has no password. An address that another user has is a conflict, also if that user has no external ID. Requires an operator.
         */
        put: operations["upsertUser"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/upsert": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Create or update many users by their external IDs
         * @description The body is in JSON lines, at most 1000. Each line is applied by itself, in order, and the response has a line for each. If the connection breaks, send the request again. Requires an operator.
         */
        post: operations["upsertUsers"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/console-sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Create a URL that opens the console for a user
         * @description For a service of yours that acts for itself, which answers for the user: no sign-in at Keywright follows. The URL works once, for five minutes. The user is created, or updated, by the external ID. The session is limited to the account and the pages, ends after an hour at the latest, and cannot change how the user signs in. Requires an operator.
         */
        post: operations["createConsoleSession"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/console-sessions/tokens": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Obtain a token of this API that acts for a user
         * @description For pages of your own in place of those of the console: your back end calls this API with the token, for ten minutes, as the user and limited to the account. The token ends with the one that you request it with. The claim `act` names the service. The user is created, or updated, by the external ID. Keep the token in the back end. Requires an operator.
         */
        post: operations["createDelegatedToken"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/sign-in-challenges/{challenge}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Retrieve a sign-in that waits for your product
         * @description Challenges expire after 15 minutes. Requires an operator.
         */
        get: operations["readSignInChallenge"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/sign-in-challenges/{challenge}/accept": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Accept a sign-in
         * @description Call this after the user signed in at your product, in the browser that brought the challenge. A challenge is answered once: a second answer is a conflict. Requires an operator.
         */
        put: operations["acceptSignIn"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/sign-in-challenges/{challenge}/reject": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Reject a sign-in
         * @description The application receives the error; a user without an application sees a page. A challenge is answered once: a second answer is a conflict. Requires an operator.
         */
        put: operations["rejectSignIn"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/{user_id}/export": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Export what is stored about a user as JSON lines
         * @description Available to every caller.
         */
        get: operations["exportUserData"];
        put?: never;
        post?: never;
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
         * @description Requires a viewer, developer or admin of the account, or an operator.
         */
        get: operations["readApi"];
        put?: never;
        post?: never;
        /**
         * Delete an API that no client may call and whose tokens have expired
         * @description Requires an operator.
         */
        delete: operations["deleteApi"];
        options?: never;
        head?: never;
        /**
         * Update an API
         * @description Removing a scope revokes the access tokens, refresh tokens and consents that have it; others stay valid. Requires an operator.
         */
        patch: operations["updateApi"];
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
         * @description Requires a viewer, developer or admin of the account, or an operator.
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
    "/api/v1/apis/{identifier}/secrets": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the valid client secrets with which the API introspects tokens, each with its callers
         * @description Requires an operator.
         */
        get: operations["listApiSecrets"];
        put?: never;
        /**
         * Rotate the client secret with which the API introspects tokens, or replace its public keys
         * @description Requires an operator.
         */
        post: operations["rotateApiSecret"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/apis/{identifier}/secrets/{secret_id}": {
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
         * Revoke a previous client secret of the API before its overlap ends
         * @description Requires an operator.
         */
        delete: operations["retireApiSecret"];
        options?: never;
        head?: never;
        /**
         * Retire a previous client secret of the API when it is unused, or earlier
         * @description Requires an operator.
         */
        patch: operations["updateApiSecret"];
        trace?: never;
    };
    "/api/v1/apis/{identifier}/keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Add public keys to those with which the API authenticates for introspection; the others stay
         * @description Requires an operator.
         */
        post: operations["addApiKeys"];
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
         * List the signing keys
         * @description Revoked keys are listed until every token that they signed has expired. Requires an operator.
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
    "/api/v1/signing-keys/{kid}/revoke": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Revoke a signing key
         * @description The key leaves the key set, and every access token that it signed is inactive at once, on every node. If the key is current, the next key starts to sign. Requires an operator.
         */
        post: operations["revokeSigningKey"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/mail-messages": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the messages of the last 30 days, latest first
         * @description Requires an operator.
         */
        get: operations["listMailMessages"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/mail-messages/{message_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get a message
         * @description Requires an operator.
         */
        get: operations["getMailMessage"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/mail-messages/{message_id}/send-again": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Send a message again that failed
         * @description The message keeps its Message-ID. Its link works as long as that of a new message. Requires an operator.
         */
        post: operations["sendMailMessageAgain"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/mail-messages/test": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Send a test message to the operator whose access token this is
         * @description Requires an operator.
         */
        post: operations["sendTestMail"];
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
             * @description Networks in CIDR notation that token requests of its clients may come from; null: any network. Removing a network revokes their access tokens
             * @example [
             *       "192.0.2.0/24"
             *     ]
             */
            allowed_networks: string[] | null;
            /**
             * @description The longest lifetime of new client secrets of its applications and key pairs in seconds; null: no limit
             * @example 7776000
             */
            max_secret_lifetime: number | null;
            /**
             * @description The most access tokens that all its applications and key pairs together get in one hour (UTC); null: no quota
             * @example 1000
             */
            quota_per_hour: number | null;
            /**
             * @description The most access tokens that all its applications and key pairs together get in one day (UTC); null: no quota
             * @example 10000
             */
            quota_per_day: number | null;
            /**
             * @description enforce: token requests beyond the quota get status 429; observe: they are issued and counted
             * @enum {string}
             */
            quota_mode: "enforce" | "observe";
            /**
             * @description What a report of a leaked client secret, API key or token does: `revoke` it at once, or only `report` it
             * @enum {string}
             */
            leaked_credentials: "revoke" | "report";
            /**
             * @description Which users of the account must sign in with a second factor, in addition to those of whom the instance requires it. A user without a second factor sets one up at the next sign-in.
             * @enum {string}
             */
            second_factor_required: "nobody" | "admins" | "everyone";
            /**
             * @description The company's own ID of the account: at most 200 visible ASCII characters, unique in the instance; null: none; visible to operators only
             * @example cus_8Jx2
             */
            external_id?: string | null;
            /**
             * @description A JSON object for the company's own use, at most 4096 bytes and 4 levels; a change replaces all of it; visible to operators only
             * @example {
             *       "plan": "gold"
             *     }
             */
            metadata?: {
                [key: string]: unknown;
            };
            /**
             * @description disabled: its users cannot sign in, and all its tokens are revoked; deleting: disabled, and being deleted with all that it has
             * @enum {string}
             */
            status: "active" | "disabled" | "deleting";
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
            /**
             * @description Networks in CIDR notation that token requests of its clients may come from; null: any network. Removing a network revokes their access tokens
             * @example [
             *       "192.0.2.0/24"
             *     ]
             */
            allowed_networks?: string[] | null;
            /**
             * @description The longest lifetime of new client secrets of its applications and key pairs in seconds; null: no limit
             * @example 7776000
             */
            max_secret_lifetime?: number | null;
            /**
             * @description The most access tokens that all its applications and key pairs together get in one hour (UTC); null: no quota
             * @example 1000
             */
            quota_per_hour?: number | null;
            /**
             * @description The most access tokens that all its applications and key pairs together get in one day (UTC); null: no quota
             * @example 10000
             */
            quota_per_day?: number | null;
            /**
             * @description enforce: token requests beyond the quota get status 429; observe: they are issued and counted
             * @enum {string}
             */
            quota_mode?: "enforce" | "observe";
            /**
             * @description What a report of a leaked client secret, API key or token does: `revoke` it at once, or only `report` it
             * @enum {string}
             */
            leaked_credentials?: "revoke" | "report";
            /**
             * @description Which users of the account must sign in with a second factor, in addition to those of whom the instance requires it. A user without a second factor sets one up at the next sign-in.
             * @enum {string}
             */
            second_factor_required?: "nobody" | "admins" | "everyone";
            /**
             * @description The company's own ID of the account: at most 200 visible ASCII characters, unique in the instance; null: none; visible to operators only
             * @example cus_8Jx2
             */
            external_id?: string | null;
            /**
             * @description A JSON object for the company's own use, at most 4096 bytes and 4 levels; a change replaces all of it; visible to operators only
             * @example {
             *       "plan": "gold"
             *     }
             */
            metadata?: {
                [key: string]: unknown;
            };
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
             * @description Networks in CIDR notation that token requests of its clients may come from; null: any network. Removing a network revokes their access tokens
             * @example [
             *       "192.0.2.0/24"
             *     ]
             */
            allowed_networks: string[] | null;
            /**
             * @description The longest lifetime of new client secrets of its applications and key pairs in seconds; null: no limit
             * @example 7776000
             */
            max_secret_lifetime: number | null;
            /**
             * @description The most access tokens that all its applications and key pairs together get in one hour (UTC); null: no quota
             * @example 1000
             */
            quota_per_hour: number | null;
            /**
             * @description The most access tokens that all its applications and key pairs together get in one day (UTC); null: no quota
             * @example 10000
             */
            quota_per_day: number | null;
            /**
             * @description enforce: token requests beyond the quota get status 429; observe: they are issued and counted
             * @enum {string}
             */
            quota_mode: "enforce" | "observe";
            /**
             * @description What a report of a leaked client secret, API key or token does: `revoke` it at once, or only `report` it
             * @enum {string}
             */
            leaked_credentials: "revoke" | "report";
            /**
             * @description Which users of the account must sign in with a second factor, in addition to those of whom the instance requires it. A user without a second factor sets one up at the next sign-in.
             * @enum {string}
             */
            second_factor_required: "nobody" | "admins" | "everyone";
            /**
             * @description The company's own ID of the account: at most 200 visible ASCII characters, unique in the instance; null: none; visible to operators only
             * @example cus_8Jx2
             */
            external_id?: string | null;
            /**
             * @description A JSON object for the company's own use, at most 4096 bytes and 4 levels; a change replaces all of it; visible to operators only
             * @example {
             *       "plan": "gold"
             *     }
             */
            metadata?: {
                [key: string]: unknown;
            };
            /**
             * @description disabled: its users cannot sign in, and all its tokens are revoked; deleting: disabled, and being deleted with all that it has
             * @enum {string}
             */
            status: "active" | "disabled" | "deleting";
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
            /** @description Its quotas in the present hour and day (UTC) */
            quotas: {
                /** @enum {string} */
                owner: "client" | "account";
                /** @enum {string} */
                window: "hour" | "day";
                limit: number;
                /** @description More than limit if the quota is only observed */
                used: number;
                /** @enum {string} */
                mode: "enforce" | "observe";
                /** @description Seconds until the window ends */
                resets_in: number;
            }[];
        };
        /**
         * @example {
         *       "external_id": "cus_8Jx2",
         *       "name": "ACME Corp"
         *     }
         */
        AccountLine: {
            /**
             * @description Your own ID, percent-encoded
             * @example cus_8Jx2
             */
            external_id: string;
            /**
             * @description The name of the customer
             * @example ACME Corp
             */
            name: string;
            /**
             * @description Networks in CIDR notation that token requests of its clients may come from; null: any network. Removing a network revokes their access tokens
             * @example [
             *       "192.0.2.0/24"
             *     ]
             */
            allowed_networks?: string[] | null;
            /**
             * @description The longest lifetime of new client secrets of its applications and key pairs in seconds; null: no limit
             * @example 7776000
             */
            max_secret_lifetime?: number | null;
            /**
             * @description The most access tokens that all its applications and key pairs together get in one hour (UTC); null: no quota
             * @example 1000
             */
            quota_per_hour?: number | null;
            /**
             * @description The most access tokens that all its applications and key pairs together get in one day (UTC); null: no quota
             * @example 10000
             */
            quota_per_day?: number | null;
            /**
             * @description enforce: token requests beyond the quota get status 429; observe: they are issued and counted
             * @enum {string}
             */
            quota_mode?: "enforce" | "observe";
            /**
             * @description What a report of a leaked client secret, API key or token does: `revoke` it at once, or only `report` it
             * @enum {string}
             */
            leaked_credentials?: "revoke" | "report";
            /**
             * @description Which users of the account must sign in with a second factor, in addition to those of whom the instance requires it. A user without a second factor sets one up at the next sign-in.
             * @enum {string}
             */
            second_factor_required?: "nobody" | "admins" | "everyone";
            /**
             * @description A JSON object for the company's own use, at most 4096 bytes and 4 levels; a change replaces all of it; visible to operators only
             * @example {
             *       "plan": "gold"
             *     }
             */
            metadata?: {
                [key: string]: unknown;
            };
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
             * @description Networks in CIDR notation that token requests of its clients may come from; null: any network. Removing a network revokes their access tokens
             * @example [
             *       "192.0.2.0/24"
             *     ]
             */
            allowed_networks: string[] | null;
            /**
             * @description The longest lifetime of new client secrets of its applications and key pairs in seconds; null: no limit
             * @example 7776000
             */
            max_secret_lifetime: number | null;
            /**
             * @description The most access tokens that all its applications and key pairs together get in one hour (UTC); null: no quota
             * @example 1000
             */
            quota_per_hour: number | null;
            /**
             * @description The most access tokens that all its applications and key pairs together get in one day (UTC); null: no quota
             * @example 10000
             */
            quota_per_day: number | null;
            /**
             * @description enforce: token requests beyond the quota get status 429; observe: they are issued and counted
             * @enum {string}
             */
            quota_mode: "enforce" | "observe";
            /**
             * @description What a report of a leaked client secret, API key or token does: `revoke` it at once, or only `report` it
             * @enum {string}
             */
            leaked_credentials: "revoke" | "report";
            /**
             * @description Which users of the account must sign in with a second factor, in addition to those of whom the instance requires it. A user without a second factor sets one up at the next sign-in.
             * @enum {string}
             */
            second_factor_required: "nobody" | "admins" | "everyone";
            /**
             * @description The company's own ID of the account: at most 200 visible ASCII characters, unique in the instance; null: none; visible to operators only
             * @example cus_8Jx2
             */
            external_id?: string | null;
            /**
             * @description A JSON object for the company's own use, at most 4096 bytes and 4 levels; a change replaces all of it; visible to operators only
             * @example {
             *       "plan": "gold"
             *     }
             */
            metadata?: {
                [key: string]: unknown;
            };
            /**
             * @description disabled: its users cannot sign in, and all its tokens are revoked; deleting: disabled, and being deleted with all that it has
             * @enum {string}
             */
            status: "active" | "disabled" | "deleting";
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
        /**
         * @example {
         *       "name": "ACME Corp",
         *       "metadata": {
         *         "plan": "gold"
         *       }
         *     }
         */
        AccountUpsert: {
            /**
             * @description The name of the customer
             * @example ACME Corp
             */
            name: string;
            /**
             * @description Networks in CIDR notation that token requests of its clients may come from; null: any network. Removing a network revokes their access tokens
             * @example [
             *       "192.0.2.0/24"
             *     ]
             */
            allowed_networks?: string[] | null;
            /**
             * @description The longest lifetime of new client secrets of its applications and key pairs in seconds; null: no limit
             * @example 7776000
             */
            max_secret_lifetime?: number | null;
            /**
             * @description The most access tokens that all its applications and key pairs together get in one hour (UTC); null: no quota
             * @example 1000
             */
            quota_per_hour?: number | null;
            /**
             * @description The most access tokens that all its applications and key pairs together get in one day (UTC); null: no quota
             * @example 10000
             */
            quota_per_day?: number | null;
            /**
             * @description enforce: token requests beyond the quota get status 429; observe: they are issued and counted
             * @enum {string}
             */
            quota_mode?: "enforce" | "observe";
            /**
             * @description What a report of a leaked client secret, API key or token does: `revoke` it at once, or only `report` it
             * @enum {string}
             */
            leaked_credentials?: "revoke" | "report";
            /**
             * @description Which users of the account must sign in with a second factor, in addition to those of whom the instance requires it. A user without a second factor sets one up at the next sign-in.
             * @enum {string}
             */
            second_factor_required?: "nobody" | "admins" | "everyone";
            /**
             * @description A JSON object for the company's own use, at most 4096 bytes and 4 levels; a change replaces all of it; visible to operators only
             * @example {
             *       "plan": "gold"
             *     }
             */
            metadata?: {
                [key: string]: unknown;
            };
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
            /** @description The user that the client acts for; null: an account, or the client itself */
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
            /** @description The user that the client acts for; null: an account, or the client itself */
            user_id: string | null;
            email: string | null;
            /** @description The account that the client acts for without a user (token exchange); null: none */
            account_id: string | null;
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
            /** @description The position in the audit chain; null for admins of an account, and until the event is sealed, about a second later */
            seq: number | null;
            /** @description Whether the event had personal data of a user who was deleted since */
            is_erased: boolean;
        };
        AffectedApi: {
            identifier: string;
            /** @description Revoked tokens that would not have expired yet */
            tokens: components["schemas"]["BoundedCount"];
            /**
             * Format: date-time
             * @description Until then an API that follows in no way accepts a revoked token
             * @example 2026-11-21T09:30:00.000Z
             */
            last_expires_at: string;
            followers: components["schemas"]["RevocationFollower"][];
        };
        AffectedCaller: {
            ip: string;
            /** @description The latest refused request since the revocation, as far as samples tell */
            refused: {
                /**
                 * Format: date-time
                 * @example 2026-11-21T09:30:00.000Z
                 */
                at: string;
                /** @enum {string} */
                reason: "unknown_client" | "client_archived" | "key_pair_replaced" | "account_disabled" | "api_disabled" | "owner_disabled" | "wrong_secret" | "secret_retired" | "secret_expired" | "wrong_api_key" | "secret_missing" | "credentials_missing" | "credentials_malformed" | "assertion_invalid" | "assertion_audience" | "assertion_expired" | "assertion_key" | "keys_not_fetched" | "assertion_replayed" | "issuer_not_trusted" | "issuer_unavailable" | "identity_key" | "identity_expired" | "identity_invalid" | "identity_condition" | "certificate_missing" | "certificate_invalid" | "certificate_mismatch" | "network_not_allowed" | "grant_type_not_allowed" | "grant_type_not_supported" | "response_type_not_allowed" | "scope_not_allowed" | "api_not_allowed" | "redirect_uri_mismatch" | "pkce_missing" | "pushed_request_missing" | "pkce_failed" | "code_invalid" | "code_reused" | "refresh_token_invalid" | "refresh_token_reused" | "grant_invalid" | "subject_token_invalid" | "exchange_not_allowed" | "identity_assertion_invalid" | "identity_assertion_replayed" | "identity_assertion_not_allowed" | "device_code_expired" | "polling_too_fast" | "dpop_proof_missing" | "dpop_proof_invalid" | "dpop_nonce_missing" | "access_denied" | "login_required" | "consent_required" | "account_selection_required" | "request_object_invalid" | "request_uri_invalid" | "rate_limited" | "quota_exceeded" | "malformed_request" | "unavailable" | "server_error" | "other";
            } | null;
            /** @description When it got a token again, with this client or with the key pair that replaced it */
            issued_at: string | null;
        };
        AnsweredSignInChallenge: {
            /** @description Redirect the browser of the user to it, within two minutes */
            redirect_to: string;
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
                /** @description Title and description by language tag (RFC 5646), for pages in these languages */
                translations: {
                    [key: string]: {
                        title: string;
                        description: string;
                    };
                };
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
            /** @description Whether access tokens of clients with allowed networks have the claim allowed_networks */
            networks_claim: boolean;
            /** @description Whether each token request for it needs a DPoP proof (RFC 9449), so that no token for it is issued without a key; tokens that were issued before stay unbound */
            dpop_required: boolean;
            /**
             * @description Claims of its access tokens with values from the metadata of the account, client or user; at most 10, and values of at most 256 bytes of JSON; visible to operators only
             * @example [
             *       {
             *         "name": "plan",
             *         "from": "account",
             *         "key": "plan"
             *       }
             *     ]
             */
            claims?: {
                /** @description The name of the claim */
                name: string;
                /**
                 * @description Whose metadata
                 * @enum {string}
                 */
                from: "account" | "client" | "user";
                /** @description The name of the member of metadata, at the first level */
                key: string;
            }[];
            /**
             * @description Which key pairs may call it: one for each admin; named: also named ones; environments: also named ones that are live or test
             * @enum {string}
             */
            key_pairs: "one" | "named" | "environments";
            /**
             * @description The longest lifetime of new client secrets of applications and key pairs that may call it in seconds; null: no limit
             * @example 7776000
             */
            max_secret_lifetime: number | null;
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
            /** @description How this client authenticates; null for the management API, which has none. Visible to operators only */
            auth_method?: ("client_secret" | "private_key_jwt") | null;
            /** @description Where the API publishes its public keys; visible to operators only */
            jwks_uri?: string | null;
            key_fetch?: components["schemas"]["KeyFetch"];
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
            /** @description Whether access tokens of clients with allowed networks have the claim allowed_networks */
            networks_claim?: boolean;
            /** @description Whether each token request for it needs a DPoP proof (RFC 9449), so that no token for it is issued without a key; tokens that were issued before stay unbound */
            dpop_required?: boolean;
            /**
             * @description Claims of its access tokens with values from the metadata of the account, client or user; at most 10, and values of at most 256 bytes of JSON; visible to operators only
             * @example [
             *       {
             *         "name": "plan",
             *         "from": "account",
             *         "key": "plan"
             *       }
             *     ]
             */
            claims?: {
                /** @description The name of the claim */
                name: string;
                /**
                 * @description Whose metadata
                 * @enum {string}
                 */
                from: "account" | "client" | "user";
                /** @description The name of the member of metadata, at the first level */
                key: string;
            }[];
            /**
             * @description Which key pairs may call it: one for each admin; named: also named ones; environments: also named ones that are live or test
             * @enum {string}
             */
            key_pairs?: "one" | "named" | "environments";
            /**
             * @description The longest lifetime of new client secrets of applications and key pairs that may call it in seconds; null: no limit
             * @example 7776000
             */
            max_secret_lifetime?: number | null;
            /** @description Whether it is the API of token requests that name none */
            is_default?: boolean;
            /**
             * @description The title and description that users see, by scope, also in other languages
             * @example {
             *       "invoices:read": {
             *         "title": "View your invoices",
             *         "translations": {
             *           "de": {
             *             "title": "Ihre Rechnungen ansehen",
             *             "description": ""
             *           }
             *         }
             *       }
             *     }
             */
            texts?: {
                [key: string]: {
                    /** @description Left out: title and description stay */
                    title?: string;
                    /** @description Empty if it is left out beside a title */
                    description?: string;
                    /** @description Title and description by language tag (RFC 5646); null removes a language, and languages that are left out stay */
                    translations?: {
                        [key: string]: {
                            title: string;
                            /** @default  */
                            description?: string;
                        } | null;
                    };
                };
            };
        };
        ApiCredentials: {
            /** @example kwc_0Zk3tQ9xWb7YpLr2VfHd */
            client_id: string;
            /**
             * @description Shown only in this response; absent if the API authenticates by its private key
             * @example kws_5fX0lC2mQ8vT1nR7bK4wZ9yH3dJ6sP0aGuEiOxLqMtV1c9Zk
             */
            client_secret?: string;
        };
        /**
         * @example {
         *       "jwks": {
         *         "keys": [
         *           {
         *             "kty": "OKP",
         *             "crv": "Ed25519",
         *             "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
         *           }
         *         ]
         *       }
         *     }
         */
        ApiKeyAddition: {
            jwks: {
                keys: {
                    [key: string]: unknown;
                }[];
            } | string;
            /**
             * @description When the new secret expires; default: after the longest lifetime that the account and the APIs allow
             * @example 2099-12-31T00:00:00Z
             */
            expires_at?: string | null;
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
            /**
             * @description The previous secret also stops working after so many hours without a use; null: it does not
             * @example 24
             */
            retire_unused_hours?: number | null;
            /**
             * @description When the new secret expires; default: after the longest lifetime that the account and the APIs allow
             * @example 2099-12-31T00:00:00Z
             */
            expires_at?: string | null;
            /**
             * @description How the API authenticates from now on; default: as before. private_key_jwt needs jwks or jwks_uri
             * @enum {string}
             */
            auth_method?: "client_secret" | "private_key_jwt";
            /** @description Public keys with which the API authenticates for introspection in place of a client secret (private_key_jwt): a JWK set (RFC 7517), or a text with PEM blocks, which are public keys or certificates */
            jwks?: {
                keys: {
                    [key: string]: unknown;
                }[];
            } | string;
            /**
             * @description Where the API publishes these public keys, instead of jwks
             * @example https://api.example.com/jwks.json
             */
            jwks_uri?: string;
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
            /** @description Whether access tokens of clients with allowed networks have the claim allowed_networks */
            networks_claim: boolean;
            /** @description Whether each token request for it needs a DPoP proof (RFC 9449), so that no token for it is issued without a key; tokens that were issued before stay unbound */
            dpop_required: boolean;
            /**
             * @description Claims of its access tokens with values from the metadata of the account, client or user; at most 10, and values of at most 256 bytes of JSON; visible to operators only
             * @example [
             *       {
             *         "name": "plan",
             *         "from": "account",
             *         "key": "plan"
             *       }
             *     ]
             */
            claims?: {
                /** @description The name of the claim */
                name: string;
                /**
                 * @description Whose metadata
                 * @enum {string}
                 */
                from: "account" | "client" | "user";
                /** @description The name of the member of metadata, at the first level */
                key: string;
            }[];
            /**
             * @description Which key pairs may call it: one for each admin; named: also named ones; environments: also named ones that are live or test
             * @enum {string}
             */
            key_pairs: "one" | "named" | "environments";
            /**
             * @description The longest lifetime of new client secrets of applications and key pairs that may call it in seconds; null: no limit
             * @example 7776000
             */
            max_secret_lifetime: number | null;
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
            status: "active" | "archived" | "replaced" | "deleting";
            account_id: string | null;
            /**
             * @description By what a confidential client authenticates: a client secret, assertions signed by its private key, a certificate in TLS, or the token of an issuer that it trusts. A rotation of its credentials can change it
             * @enum {string}
             */
            auth_method: "client_secret" | "private_key_jwt" | "self_signed_tls_client_auth" | "tls_client_auth" | "workload_identity";
            /**
             * @description Where a client with auth_method private_key_jwt publishes its public keys (RFC 7591, section 2), instead of `jwks`. A change ends the present keys, and every token of the client, at once
             * @example https://app.example.com/jwks.json
             */
            jwks_uri: string | null;
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
             * @description The grant types that the application may use: authorization_code, refresh_token, client_credentials, urn:ietf:params:oauth:grant-type:device_code, urn:ietf:params:oauth:grant-type:token-exchange, urn:ietf:params:oauth:grant-type:jwt-bearer
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
             * @description The algorithm that signs ID tokens, and authorization responses (JARM)
             * @enum {string}
             */
            id_token_alg: "RS256" | "ES256";
            /** @description Whether it must meet the FAPI 2.0 Security Profile. Enabling it sets par_required and pkce_required to true, refresh_token_rotation to false, id_token_alg to ES256, and dpop to required unless tokens are bound to a certificate. Settings that contradict it are refused, and so are JWTs signed by RS256 */
            fapi2: boolean;
            /** @description Whether authorization requests must be pushed (RFC 9126, require_pushed_authorization_requests): those in a URL are refused */
            par_required: boolean;
            /** @description Whether authorization requests must be signed request objects (RFC 9101, require_signed_request_object), pushed or in the URL. Only for clients with the authentication method private_key_jwt, whose keys sign them */
            request_objects_required: boolean;
            /** @description Whether authorization responses must be signed (JARM): a request needs a response_mode that is jwt or ends in .jwt, and errors are signed too. The algorithm is id_token_alg */
            signed_responses_required: boolean;
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
            /**
             * @description In seconds, from the issuance: the same client_credentials request receives the same access token; null: a new token each time
             * @example 300
             */
            reuse_window: number | null;
            /**
             * @description Networks in CIDR notation that token requests may come from; null: any network. Removing a network revokes the access tokens
             * @example [
             *       "192.0.2.0/24"
             *     ]
             */
            allowed_networks: string[] | null;
            /** @description Accept client credentials in the query string, where logs may record them */
            query_credentials: boolean;
            /** @description Issue a refresh token for client_credentials */
            client_credentials_refresh: boolean;
            /** @description Accept assertions of private_key_jwt whose audience is the URL of an endpoint, or a list of the issuer and such URLs */
            endpoint_audiences: boolean;
            /** @description Require an API key in the x-api-key header */
            api_key_required: boolean;
            /** @description Whether access tokens are bound to the certificate of the TLS connection (RFC 8705, tls_client_certificate_bound_access_tokens); tokens that were issued before stay unbound */
            certificate_bound_access_tokens: boolean;
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
             * @description The most access tokens that the application gets in one hour (UTC); null: no quota; visible to operators only
             * @example 1000
             */
            quota_per_hour?: number | null;
            /**
             * @description The most access tokens that the application gets in one day (UTC); null: no quota; visible to operators only
             * @example 10000
             */
            quota_per_day?: number | null;
            /**
             * @description enforce: token requests beyond the quota get status 429; observe: they are issued and counted; visible to operators only
             * @enum {string}
             */
            quota_mode?: "enforce" | "observe";
            /**
             * @description Whether the application may act for users, for itself, or both; visible to operators only
             * @enum {string}
             */
            access_type?: "both" | "user" | "client";
            /**
             * @description Whether each token request needs a DPoP proof (RFC 9449, dpop_bound_access_tokens), so that no token is issued without a key; tokens that were issued before stay unbound. nonce: each proof at Keywright’s endpoints must also have a nonce of the server (section 8)
             * @enum {string}
             */
            dpop: "optional" | "required" | "nonce";
            /**
             * @description Client IDs of the applications whose tokens of users the application may exchange (RFC 8693); null: none. Removing one revokes the exchanged tokens
             * @example [
             *       "kwc_2Ew9fTbnCN0ZPqTtGKsu"
             *     ]
             */
            exchange_from: string[] | null;
            /**
             * @description The scopes that exchanged tokens may have, of those of the application and of the token that they are exchanged for; null: all of these
             * @example [
             *       "read"
             *     ]
             */
            exchange_scopes: string[] | null;
            /**
             * @description In seconds: the greatest lifetime of exchanged tokens; null: 1 hour
             * @example 300
             */
            exchange_ttl: number | null;
            /**
             * @description APIs for which the application may exchange tokens of other APIs; null: only the API of the token that is exchanged; visible to operators only
             * @example [
             *       "https://api.example.com"
             *     ]
             */
            exchange_apis?: string[] | null;
            /**
             * @description Account IDs, or `any`: the application may exchange its own token for one of any user of these accounts, without their consent (RFC 8693); null: none. Removing one revokes the exchanged tokens; visible to operators only
             * @example [
             *       "any"
             *     ]
             */
            exchange_accounts?: string[] | null;
            /**
             * @description Account IDs, or `any`: the application may exchange its own token for one that acts for one of these accounts, without a user (RFC 8693); null: none. Removing one revokes the exchanged tokens; visible to operators only
             * @example [
             *       "any"
             *     ]
             */
            exchange_without_user?: string[] | null;
            /** @description The application obtains access tokens for users by assertions of the identity provider of their account (Identity Assertion JWT Authorization Grant), with the grant type `urn:ietf:params:oauth:grant-type:jwt-bearer`. Switching it off revokes these tokens */
            identity_assertions: boolean;
            /** @description Shown on the allow/deny page, and on the sign-in page if the application is verified; null: no logo */
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
             * @description The colour of buttons and links on the sign-in and allow/deny pages; null: that of the instance
             * @example #0a7d4f
             */
            accent: string | null;
            /** @description Whether an operator has checked who runs the application; the sign-in page then shows its logo too; visible to operators only */
            is_verified?: boolean;
            /**
             * @description The home page of the application, linked from the allow/deny page (RFC 7591, section 2); https only
             * @example https://app.example.com/
             */
            client_uri: string | null;
            /**
             * @description The privacy policy, linked from the allow/deny page (RFC 7591, section 2); https only
             * @example https://app.example.com/privacy
             */
            policy_uri: string | null;
            /**
             * @description The terms of service, linked from the allow/deny page (RFC 7591, section 2); https only
             * @example https://app.example.com/terms
             */
            tos_uri: string | null;
            /**
             * @description The company's own ID of the application: at most 200 visible ASCII characters, unique in the instance; null: none; visible to operators only
             * @example cus_8Jx2
             */
            external_id?: string | null;
            /**
             * @description A JSON object for the company's own use, at most 4096 bytes and 4 levels; a change replaces all of it; visible to operators only
             * @example {
             *       "plan": "gold"
             *     }
             */
            metadata?: {
                [key: string]: unknown;
            };
            /**
             * @description What FAPI 2.0 requires of it, with the standard that describes each; empty: fapi2 is off
             * @example [
             *       {
             *         "requirement": "Pushed authorization requests (PAR)",
             *         "reference": "RFC 9126"
             *       }
             *     ]
             */
            fapi2_requirements: {
                requirement: string;
                reference: string;
            }[];
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
            /** @description How the application registered itself (RFC 7591); null: somebody else registered it */
            registration: {
                /** @enum {string} */
                source: "initial_access_token" | "software_statement" | "open" | "metadata_document";
                /** @description token_endpoint_auth_method */
                auth_method: string;
                software_id: string | null;
                software_version: string | null;
                /** @description Who issued its software statement (RFC 7591, section 2.3); null: it has none */
                software_statement_issuer: string | null;
            } | null;
            key_fetch: components["schemas"]["KeyFetch"];
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
             * @description Where a client with auth_method private_key_jwt publishes its public keys (RFC 7591, section 2), instead of `jwks`. A change ends the present keys, and every token of the client, at once
             * @example https://app.example.com/jwks.json
             */
            jwks_uri?: string | null;
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
             * @description The grant types that the application may use: authorization_code, refresh_token, client_credentials, urn:ietf:params:oauth:grant-type:device_code, urn:ietf:params:oauth:grant-type:token-exchange, urn:ietf:params:oauth:grant-type:jwt-bearer
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
             * @description The algorithm that signs ID tokens, and authorization responses (JARM)
             * @enum {string}
             */
            id_token_alg?: "RS256" | "ES256";
            /** @description Whether it must meet the FAPI 2.0 Security Profile. Enabling it sets par_required and pkce_required to true, refresh_token_rotation to false, id_token_alg to ES256, and dpop to required unless tokens are bound to a certificate. Settings that contradict it are refused, and so are JWTs signed by RS256 */
            fapi2?: boolean;
            /** @description Whether authorization requests must be pushed (RFC 9126, require_pushed_authorization_requests): those in a URL are refused */
            par_required?: boolean;
            /** @description Whether authorization requests must be signed request objects (RFC 9101, require_signed_request_object), pushed or in the URL. Only for clients with the authentication method private_key_jwt, whose keys sign them */
            request_objects_required?: boolean;
            /** @description Whether authorization responses must be signed (JARM): a request needs a response_mode that is jwt or ends in .jwt, and errors are signed too. The algorithm is id_token_alg */
            signed_responses_required?: boolean;
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
            /**
             * @description In seconds, from the issuance: the same client_credentials request receives the same access token; null: a new token each time
             * @example 300
             */
            reuse_window?: number | null;
            /**
             * @description Networks in CIDR notation that token requests may come from; null: any network. Removing a network revokes the access tokens
             * @example [
             *       "192.0.2.0/24"
             *     ]
             */
            allowed_networks?: string[] | null;
            /** @description Accept client credentials in the query string, where logs may record them */
            query_credentials?: boolean;
            /** @description Issue a refresh token for client_credentials */
            client_credentials_refresh?: boolean;
            /** @description Accept assertions of private_key_jwt whose audience is the URL of an endpoint, or a list of the issuer and such URLs */
            endpoint_audiences?: boolean;
            /** @description Require an API key in the x-api-key header */
            api_key_required?: boolean;
            /** @description Whether access tokens are bound to the certificate of the TLS connection (RFC 8705, tls_client_certificate_bound_access_tokens); tokens that were issued before stay unbound */
            certificate_bound_access_tokens?: boolean;
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
             * @description The most access tokens that the application gets in one hour (UTC); null: no quota; visible to operators only
             * @example 1000
             */
            quota_per_hour?: number | null;
            /**
             * @description The most access tokens that the application gets in one day (UTC); null: no quota; visible to operators only
             * @example 10000
             */
            quota_per_day?: number | null;
            /**
             * @description enforce: token requests beyond the quota get status 429; observe: they are issued and counted; visible to operators only
             * @enum {string}
             */
            quota_mode?: "enforce" | "observe";
            /**
             * @description Whether the application may act for users, for itself, or both; visible to operators only
             * @enum {string}
             */
            access_type?: "both" | "user" | "client";
            /**
             * @description Whether each token request needs a DPoP proof (RFC 9449, dpop_bound_access_tokens), so that no token is issued without a key; tokens that were issued before stay unbound. nonce: each proof at Keywright’s endpoints must also have a nonce of the server (section 8)
             * @enum {string}
             */
            dpop?: "optional" | "required" | "nonce";
            /**
             * @description Client IDs of the applications whose tokens of users the application may exchange (RFC 8693); null: none. Removing one revokes the exchanged tokens
             * @example [
             *       "kwc_2Ew9fTbnCN0ZPqTtGKsu"
             *     ]
             */
            exchange_from?: string[] | null;
            /**
             * @description The scopes that exchanged tokens may have, of those of the application and of the token that they are exchanged for; null: all of these
             * @example [
             *       "read"
             *     ]
             */
            exchange_scopes?: string[] | null;
            /**
             * @description In seconds: the greatest lifetime of exchanged tokens; null: 1 hour
             * @example 300
             */
            exchange_ttl?: number | null;
            /**
             * @description APIs for which the application may exchange tokens of other APIs; null: only the API of the token that is exchanged; visible to operators only
             * @example [
             *       "https://api.example.com"
             *     ]
             */
            exchange_apis?: string[] | null;
            /**
             * @description Account IDs, or `any`: the application may exchange its own token for one of any user of these accounts, without their consent (RFC 8693); null: none. Removing one revokes the exchanged tokens; visible to operators only
             * @example [
             *       "any"
             *     ]
             */
            exchange_accounts?: string[] | null;
            /**
             * @description Account IDs, or `any`: the application may exchange its own token for one that acts for one of these accounts, without a user (RFC 8693); null: none. Removing one revokes the exchanged tokens; visible to operators only
             * @example [
             *       "any"
             *     ]
             */
            exchange_without_user?: string[] | null;
            /** @description The application obtains access tokens for users by assertions of the identity provider of their account (Identity Assertion JWT Authorization Grant), with the grant type `urn:ietf:params:oauth:grant-type:jwt-bearer`. Switching it off revokes these tokens */
            identity_assertions?: boolean;
            /** @description Shown on the allow/deny page, and on the sign-in page if the application is verified; null: no logo */
            logo?: {
                /**
                 * Format: base64
                 * @description PNG, JPEG, WebP or SVG, at most 256 KiB
                 */
                base64: string;
            } | null;
            /**
             * @description The colour of buttons and links on the sign-in and allow/deny pages; null: that of the instance
             * @example #0a7d4f
             */
            accent?: string | null;
            /** @description Whether an operator has checked who runs the application; the sign-in page then shows its logo too; visible to operators only */
            is_verified?: boolean;
            /**
             * @description The home page of the application, linked from the allow/deny page (RFC 7591, section 2); https only
             * @example https://app.example.com/
             */
            client_uri?: string | null;
            /**
             * @description The privacy policy, linked from the allow/deny page (RFC 7591, section 2); https only
             * @example https://app.example.com/privacy
             */
            policy_uri?: string | null;
            /**
             * @description The terms of service, linked from the allow/deny page (RFC 7591, section 2); https only
             * @example https://app.example.com/terms
             */
            tos_uri?: string | null;
            /**
             * @description The company's own ID of the application: at most 200 visible ASCII characters, unique in the instance; null: none; visible to operators only
             * @example cus_8Jx2
             */
            external_id?: string | null;
            /**
             * @description A JSON object for the company's own use, at most 4096 bytes and 4 levels; a change replaces all of it; visible to operators only
             * @example {
             *       "plan": "gold"
             *     }
             */
            metadata?: {
                [key: string]: unknown;
            };
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
            status: "active" | "archived" | "replaced" | "deleting";
            account_id: string | null;
            /**
             * @description By what a confidential client authenticates: a client secret, assertions signed by its private key, a certificate in TLS, or the token of an issuer that it trusts. A rotation of its credentials can change it
             * @enum {string}
             */
            auth_method: "client_secret" | "private_key_jwt" | "self_signed_tls_client_auth" | "tls_client_auth" | "workload_identity";
            /**
             * @description Where a client with auth_method private_key_jwt publishes its public keys (RFC 7591, section 2), instead of `jwks`. A change ends the present keys, and every token of the client, at once
             * @example https://app.example.com/jwks.json
             */
            jwks_uri: string | null;
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
             * @description The grant types that the application may use: authorization_code, refresh_token, client_credentials, urn:ietf:params:oauth:grant-type:device_code, urn:ietf:params:oauth:grant-type:token-exchange, urn:ietf:params:oauth:grant-type:jwt-bearer
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
             * @description The algorithm that signs ID tokens, and authorization responses (JARM)
             * @enum {string}
             */
            id_token_alg: "RS256" | "ES256";
            /** @description Whether it must meet the FAPI 2.0 Security Profile. Enabling it sets par_required and pkce_required to true, refresh_token_rotation to false, id_token_alg to ES256, and dpop to required unless tokens are bound to a certificate. Settings that contradict it are refused, and so are JWTs signed by RS256 */
            fapi2: boolean;
            /** @description Whether authorization requests must be pushed (RFC 9126, require_pushed_authorization_requests): those in a URL are refused */
            par_required: boolean;
            /** @description Whether authorization requests must be signed request objects (RFC 9101, require_signed_request_object), pushed or in the URL. Only for clients with the authentication method private_key_jwt, whose keys sign them */
            request_objects_required: boolean;
            /** @description Whether authorization responses must be signed (JARM): a request needs a response_mode that is jwt or ends in .jwt, and errors are signed too. The algorithm is id_token_alg */
            signed_responses_required: boolean;
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
            /**
             * @description In seconds, from the issuance: the same client_credentials request receives the same access token; null: a new token each time
             * @example 300
             */
            reuse_window: number | null;
            /**
             * @description Networks in CIDR notation that token requests may come from; null: any network. Removing a network revokes the access tokens
             * @example [
             *       "192.0.2.0/24"
             *     ]
             */
            allowed_networks: string[] | null;
            /** @description Accept client credentials in the query string, where logs may record them */
            query_credentials: boolean;
            /** @description Issue a refresh token for client_credentials */
            client_credentials_refresh: boolean;
            /** @description Accept assertions of private_key_jwt whose audience is the URL of an endpoint, or a list of the issuer and such URLs */
            endpoint_audiences: boolean;
            /** @description Require an API key in the x-api-key header */
            api_key_required: boolean;
            /** @description Whether access tokens are bound to the certificate of the TLS connection (RFC 8705, tls_client_certificate_bound_access_tokens); tokens that were issued before stay unbound */
            certificate_bound_access_tokens: boolean;
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
             * @description The most access tokens that the application gets in one hour (UTC); null: no quota; visible to operators only
             * @example 1000
             */
            quota_per_hour?: number | null;
            /**
             * @description The most access tokens that the application gets in one day (UTC); null: no quota; visible to operators only
             * @example 10000
             */
            quota_per_day?: number | null;
            /**
             * @description enforce: token requests beyond the quota get status 429; observe: they are issued and counted; visible to operators only
             * @enum {string}
             */
            quota_mode?: "enforce" | "observe";
            /**
             * @description Whether the application may act for users, for itself, or both; visible to operators only
             * @enum {string}
             */
            access_type?: "both" | "user" | "client";
            /**
             * @description Whether each token request needs a DPoP proof (RFC 9449, dpop_bound_access_tokens), so that no token is issued without a key; tokens that were issued before stay unbound. nonce: each proof at Keywright’s endpoints must also have a nonce of the server (section 8)
             * @enum {string}
             */
            dpop: "optional" | "required" | "nonce";
            /**
             * @description Client IDs of the applications whose tokens of users the application may exchange (RFC 8693); null: none. Removing one revokes the exchanged tokens
             * @example [
             *       "kwc_2Ew9fTbnCN0ZPqTtGKsu"
             *     ]
             */
            exchange_from: string[] | null;
            /**
             * @description The scopes that exchanged tokens may have, of those of the application and of the token that they are exchanged for; null: all of these
             * @example [
             *       "read"
             *     ]
             */
            exchange_scopes: string[] | null;
            /**
             * @description In seconds: the greatest lifetime of exchanged tokens; null: 1 hour
             * @example 300
             */
            exchange_ttl: number | null;
            /**
             * @description APIs for which the application may exchange tokens of other APIs; null: only the API of the token that is exchanged; visible to operators only
             * @example [
             *       "https://api.example.com"
             *     ]
             */
            exchange_apis?: string[] | null;
            /**
             * @description Account IDs, or `any`: the application may exchange its own token for one of any user of these accounts, without their consent (RFC 8693); null: none. Removing one revokes the exchanged tokens; visible to operators only
             * @example [
             *       "any"
             *     ]
             */
            exchange_accounts?: string[] | null;
            /**
             * @description Account IDs, or `any`: the application may exchange its own token for one that acts for one of these accounts, without a user (RFC 8693); null: none. Removing one revokes the exchanged tokens; visible to operators only
             * @example [
             *       "any"
             *     ]
             */
            exchange_without_user?: string[] | null;
            /** @description The application obtains access tokens for users by assertions of the identity provider of their account (Identity Assertion JWT Authorization Grant), with the grant type `urn:ietf:params:oauth:grant-type:jwt-bearer`. Switching it off revokes these tokens */
            identity_assertions: boolean;
            /** @description Shown on the allow/deny page, and on the sign-in page if the application is verified; null: no logo */
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
             * @description The colour of buttons and links on the sign-in and allow/deny pages; null: that of the instance
             * @example #0a7d4f
             */
            accent: string | null;
            /** @description Whether an operator has checked who runs the application; the sign-in page then shows its logo too; visible to operators only */
            is_verified?: boolean;
            /**
             * @description The home page of the application, linked from the allow/deny page (RFC 7591, section 2); https only
             * @example https://app.example.com/
             */
            client_uri: string | null;
            /**
             * @description The privacy policy, linked from the allow/deny page (RFC 7591, section 2); https only
             * @example https://app.example.com/privacy
             */
            policy_uri: string | null;
            /**
             * @description The terms of service, linked from the allow/deny page (RFC 7591, section 2); https only
             * @example https://app.example.com/terms
             */
            tos_uri: string | null;
            /**
             * @description The company's own ID of the application: at most 200 visible ASCII characters, unique in the instance; null: none; visible to operators only
             * @example cus_8Jx2
             */
            external_id?: string | null;
            /**
             * @description A JSON object for the company's own use, at most 4096 bytes and 4 levels; a change replaces all of it; visible to operators only
             * @example {
             *       "plan": "gold"
             *     }
             */
            metadata?: {
                [key: string]: unknown;
            };
            /**
             * @description What FAPI 2.0 requires of it, with the standard that describes each; empty: fapi2 is off
             * @example [
             *       {
             *         "requirement": "Pushed authorization requests (PAR)",
             *         "reference": "RFC 9126"
             *       }
             *     ]
             */
            fapi2_requirements: {
                requirement: string;
                reference: string;
            }[];
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
            status: "active" | "archived" | "replaced" | "deleting";
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
        /**
         * @example {
         *       "client_ids": [
         *         "kwc_4VxhQ0pZt7mLw2RkN8sYb3"
         *       ]
         *     }
         */
        ArchivalOfApplications: {
            client_ids: string[];
        };
        ArchivedApplications: {
            archived: string[];
        };
        BoundedCount: {
            count: number;
            /** @description There are more than `count` */
            is_more: boolean;
        };
        Caller: {
            /**
             * @description A member signs in to applications, a viewer also sees what the account has, a developer also has key pairs and manages applications, an admin manages the account, and an operator the instance
             * @enum {string}
             */
            role: "member" | "viewer" | "developer" | "admin" | "operator";
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
        CallerOfClient: {
            /** @example kwc_0Zk3tQ9xWb7YpLr2VfHd */
            client_id: string;
            client_name: string;
            ip: string;
            /** @description The API that the caller got tokens for; null: no token */
            api: string | null;
            /**
             * Format: date-time
             * @description With a precision of five minutes
             * @example 2026-11-21T09:30:00.000Z
             */
            last_used_at: string;
        };
        ChangedApplication: {
            application: components["schemas"]["ApplicationSettings"];
            /** @description Shown only in this response; absent when the client needs no API key */
            api_key?: string;
        };
        ChangedKeyPair: {
            /** @example kwc_0Zk3tQ9xWb7YpLr2VfHd */
            client_id: string;
            /** @description Null: the default key pair of the user */
            pair_name: string | null;
            /** @description The environment of a named key pair */
            environment: ("live" | "test") | null;
            /** @enum {string} */
            status: "active" | "archived" | "replaced" | "deleting";
            /**
             * @description A note for admins; users do not see it
             * @example Exports invoices every night; maintained by the billing team
             */
            description: string;
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
            /** @description single: a new token revokes the earlier one; null: the policy of the API */
            policy: ("none" | "single") | null;
            /**
             * @description In seconds, from the issuance: the same client_credentials request receives the same access token; null: a new token each time
             * @example 300
             */
            reuse_window: number | null;
            /**
             * @description Networks in CIDR notation that token requests may come from; null: any network. Removing a network revokes the access tokens
             * @example [
             *       "192.0.2.0/24"
             *     ]
             */
            allowed_networks: string[] | null;
            /** @description Accept client credentials in the query string, where logs may record them */
            query_credentials: boolean;
            /** @description Issue a refresh token for client_credentials */
            client_credentials_refresh: boolean;
            /** @description Accept assertions of private_key_jwt whose audience is the URL of an endpoint, or a list of the issuer and such URLs */
            endpoint_audiences: boolean;
            /** @description Require an API key in the x-api-key header */
            api_key_required: boolean;
            /** @description Whether access tokens are bound to the certificate of the TLS connection (RFC 8705, tls_client_certificate_bound_access_tokens); tokens that were issued before stay unbound */
            certificate_bound_access_tokens: boolean;
            /** @description Each use of a refresh token replaces it; always true for public clients */
            refresh_token_rotation: boolean;
            /**
             * @description Token requests per second, minute or hour: N/s, N/min or N/h; null: no limit; visible to operators only
             * @example 10/s
             */
            rate_limit?: string | null;
            /**
             * @description The most access tokens that the application gets in one hour (UTC); null: no quota; visible to operators only
             * @example 1000
             */
            quota_per_hour?: number | null;
            /**
             * @description The most access tokens that the application gets in one day (UTC); null: no quota; visible to operators only
             * @example 10000
             */
            quota_per_day?: number | null;
            /**
             * @description enforce: token requests beyond the quota get status 429; observe: they are issued and counted; visible to operators only
             * @enum {string}
             */
            quota_mode?: "enforce" | "observe";
            /**
             * @description Whether each token request needs a DPoP proof (RFC 9449, dpop_bound_access_tokens), so that no token is issued without a key; tokens that were issued before stay unbound. nonce: each proof at Keywright’s endpoints must also have a nonce of the server (section 8)
             * @enum {string}
             */
            dpop: "optional" | "required" | "nonce";
            /**
             * @description The company's own ID of the application: at most 200 visible ASCII characters, unique in the instance; null: none; visible to operators only
             * @example cus_8Jx2
             */
            external_id?: string | null;
            /**
             * @description A JSON object for the company's own use, at most 4096 bytes and 4 levels; a change replaces all of it; visible to operators only
             * @example {
             *       "plan": "gold"
             *     }
             */
            metadata?: {
                [key: string]: unknown;
            };
            /**
             * @description Increases with each change; the ETag holds it
             * @example 3
             */
            revision: number;
            /** @description Shown only in this response; absent when the client needs no API key */
            api_key?: string;
        };
        ClientApi: {
            /** @example https://api.example.com */
            identifier: string;
            scopes: string[];
            is_narrowed: boolean;
        };
        ClientRefusals: {
            /** @example kwc_0Zk3tQ9xWb7YpLr2VfHd */
            client_id: string;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            from: string;
            reasons: {
                /** @example token */
                endpoint: string;
                reason: components["schemas"]["RefusalReason"];
                error: string;
                description: string;
                count: number;
            }[];
            /** @description At most 20, the latest first */
            samples: {
                /**
                 * Format: date-time
                 * @example 2026-11-21T09:30:00.000Z
                 */
                at: string;
                /** @example token */
                endpoint: string;
                reason: components["schemas"]["RefusalReason"];
                ip: string;
                user_agent: string;
                /** @description The identifier of the API */
                api: string | null;
                /**
                 * Format: uuid
                 * @description As in X-Request-Id
                 * @example 019a7f3e-6c1b-7d52-9a54-3f1c2b7e8d90
                 */
                request_id: string;
                /** @description What was not as it must be, such as a claim of the token of a workload; empty: the reason says all */
                detail: string;
            }[];
        };
        /** @description The secrets that work, newest first */
        ClientSecrets: {
            /** @example kwc_0Zk3tQ9xWb7YpLr2VfHd */
            client_id: string;
            /**
             * Format: date-time
             * @description When the callers were read; a use appears within seconds
             * @example 2026-11-21T09:30:00.000Z
             */
            as_of: string;
            items: {
                /** @description Identifies the secret in requests that revoke it */
                id: number;
                /**
                 * @description key: a public key, for private_key_jwt; certificate: a certificate, or the name of certificates, for TLS; trust: an issuer with conditions, for workload_identity
                 * @enum {string}
                 */
                kind: "secret" | "api_key" | "key" | "certificate" | "trust";
                last_four: string;
                /** @description Of a certificate: its subject, or the name that certificates must have; null: no certificate */
                certificate_subject: string | null;
                /** @description Of a trust: the issuer, and what its tokens must be; null: no trust */
                trust: {
                    issuer: string;
                    audience: string | null;
                    conditions: {
                        claim: string;
                        any_of: string[];
                    }[];
                    single_use: boolean;
                    /** @description The keys of the issuer are part of the trust, and not read from it */
                    has_keys: boolean;
                } | null;
                /**
                 * Format: date-time
                 * @example 2026-11-21T09:30:00.000Z
                 */
                created_at: string;
                /** @description When the secret stops working; null: it has no end */
                retires_at: string | null;
                /** @description When the secret expires; it may stop working earlier */
                expires_at: string | null;
                /** @description The secret also stops working after so many hours without a use; null: it does not */
                retire_unused_hours: number | null;
                /** @description Whether no newer secret of its kind replaced it; the public keys of one set do not replace each other */
                is_current: boolean;
                last_used_at: string | null;
                last_used_ip: string | null;
                last_used_api: string | null;
                /** @description The callers of the last 30 days, at most 50 */
                callers: components["schemas"]["SecretCaller"][];
            }[];
        };
        ClientSummary: {
            /** @example kwc_0Zk3tQ9xWb7YpLr2VfHd */
            client_id: string;
            /** @enum {string} */
            kind: "application" | "key_pair";
            name: string;
            /** @enum {string} */
            status: "active" | "archived" | "replaced" | "deleting";
            /** @description Null: an application of the instance */
            account_id: string | null;
            account_name: string | null;
            /** @description The admin who owns the key pair; null for an application */
            user_id: string | null;
            owner_email: string | null;
            /** @description Null: the default key pair of the user */
            pair_name: string | null;
            /** @description The environment of a named key pair */
            environment: ("live" | "test") | null;
            grants: string[];
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
            last_used_at: string | null;
            /** @description The earliest expiry of its current client secret and API key; null: none of them expires */
            secret_expires_at: string | null;
        };
        ClientUsage: {
            /** @example kwc_0Zk3tQ9xWb7YpLr2VfHd */
            client_id: string;
            items: {
                /**
                 * Format: date-time
                 * @example 2026-11-21T09:30:00.000Z
                 */
                at: string;
                issued: number;
                refused: number;
            }[];
            /** @description The quotas of the client and of its account in the present hour and day (UTC) */
            quotas: {
                /** @enum {string} */
                owner: "client" | "account";
                /** @enum {string} */
                window: "hour" | "day";
                limit: number;
                /** @description More than limit if the quota is only observed */
                used: number;
                /** @enum {string} */
                mode: "enforce" | "observe";
                /** @description Seconds until the window ends */
                resets_in: number;
            }[];
        };
        ConsoleSession: {
            /** @description Opens the session once. Redirect the browser of the user to it */
            url: string;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            expires_at: string;
        };
        /**
         * @example {
         *       "account": "cus_8Jx2",
         *       "user": {
         *         "external_id": "usr_17",
         *         "email": "ada@example.com",
         *         "name": "Ada",
         *         "role": "admin"
         *       },
         *       "pages": [
         *         "keys"
         *       ],
         *       "return_url": "https://app.example.com/settings"
         *     }
         */
        ConsoleSessionRequest: {
            /**
             * @description The ID or the external ID of the account
             * @example cus_8Jx2
             */
            account: string;
            user: {
                /**
                 * @description Your own ID of the user
                 * @example usr_17
                 */
                external_id: string;
                /**
                 * @description The address that the user signs in with
                 * @example ada@example.com
                 */
                email: string;
                /**
                 * @description The full name of the user; null: unknown
                 * @example Ada Lovelace
                 */
                name?: string | null;
                /**
                 * @description Absent: the present role; a new user becomes a member
                 * @enum {string}
                 */
                role?: "member" | "viewer" | "developer" | "admin";
            };
            /** @description What the session can show */
            pages: ("keys" | "applications" | "usage" | "activity" | "webhooks" | "inspect")[];
            /** @description A page of your product, of one of the `product_origins` of the instance */
            return_url: string;
            /**
             * @description The origin of your pages that show those of the session in a frame, of the `product_origins`. Without it, no page can be framed
             * @example https://app.example.com
             */
            embed_origin?: string;
        };
        /** @description The credentials with which the API introspects tokens; shown only in this response */
        CreatedApi: {
            /** @example kwc_0Zk3tQ9xWb7YpLr2VfHd */
            client_id: string;
            /**
             * @description Shown only in this response; absent if the API authenticates by its private key
             * @example kws_5fX0lC2mQ8vT1nR7bK4wZ9yH3dJ6sP0aGuEiOxLqMtV1c9Zk
             */
            client_secret?: string;
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
        DelegatedToken: {
            access_token: string;
            /** @constant */
            token_type: "Bearer";
            /**
             * @description Seconds
             * @example 600
             */
            expires_in: number;
            scope: string;
            /**
             * Format: uuid
             * @example 019a7f3e-6c1b-7d52-9a54-3f1c2b7e8d90
             */
            user_id: string;
        };
        /**
         * @example {
         *       "account": "cus_8Jx2",
         *       "user": {
         *         "external_id": "usr_17",
         *         "email": "ada@example.com",
         *         "role": "admin"
         *       },
         *       "scopes": [
         *         "key_pairs:read",
         *         "key_pairs:write"
         *       ]
         *     }
         */
        DelegatedTokenRequest: {
            /**
             * @description The ID or the external ID of the account
             * @example cus_8Jx2
             */
            account: string;
            user: {
                /**
                 * @description Your own ID of the user
                 * @example usr_17
                 */
                external_id: string;
                /**
                 * @description The address that the user signs in with
                 * @example ada@example.com
                 */
                email: string;
                /**
                 * @description The full name of the user; null: unknown
                 * @example Ada Lovelace
                 */
                name?: string | null;
                /**
                 * @description Absent: the present role; a new user becomes a member
                 * @enum {string}
                 */
                role?: "member" | "viewer" | "developer" | "admin";
            };
            /**
             * @description Scopes that the token of the service has too
             * @example [
             *       "key_pairs:read",
             *       "key_pairs:write"
             *     ]
             */
            scopes: ("key_pairs:read" | "key_pairs:write" | "applications:read" | "applications:write" | "tokens:read" | "tokens:write" | "activity:read" | "webhooks:read" | "webhooks:write")[];
        };
        Deletion: {
            /**
             * @description A job deletes the rest within minutes
             * @constant
             */
            status: "deleting";
        };
        /** @description What the request would affect. Nothing was changed */
        DryRun: {
            /** @constant */
            dry_run: true;
            /** @description Clients that would stop, be deleted or lose their own tokens */
            clients: components["schemas"]["BoundedCount"];
            /** @description Valid access tokens that would be revoked; null: too many to count */
            access_tokens: components["schemas"]["BoundedCount"] | null;
            /** @description Valid refresh tokens that would be revoked; null: too many to count */
            refresh_tokens: components["schemas"]["BoundedCount"] | null;
            /** @description The callers of these clients in the last 24 hours, the latest first, at most 50 */
            callers: components["schemas"]["CallerOfClient"][];
            /** @description There may be more callers than those listed */
            has_more_callers: boolean;
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
        IdentityProvider: {
            /**
             * Format: uuid
             * @example 019a7f3e-6c1b-7d52-9a54-3f1c2b7e8d90
             */
            id: string;
            /** @description null: of the instance */
            account_id: string | null;
            /**
             * @description The name on the sign-in page
             * @example Acme
             */
            name: string;
            /**
             * @description The issuer identifier of the OpenID provider (OpenID Connect Discovery); http only for localhost. It does not change
             * @example https://login.example.com
             */
            issuer: string;
            /**
             * @description The client ID of Keywright at the provider
             * @example keywright
             */
            client_id: string;
            /**
             * @description How Keywright sends its client secret to the provider (OpenID Connect Core, section 9)
             * @enum {string}
             */
            client_auth: "client_secret_basic" | "client_secret_post";
            /**
             * @description The scopes that are requested from the provider; openid is among them
             * @example [
             *       "openid",
             *       "profile",
             *       "email"
             *     ]
             */
            scopes: string[];
            /** @description Users who sign out here are redirected to the `end_session_endpoint` of the provider (OpenID Connect RP-Initiated Logout), if their session began there while this was set */
            sign_out_at_provider: boolean;
            /** @description Applications with `identity_assertions` obtain access tokens for users of this provider by its assertions (Identity Assertion JWT Authorization Grant), without their consent. Switching it off revokes these tokens */
            identity_assertions: boolean;
            /** @description Creates a user at the first sign-in of somebody whose email address is verified and has no user; otherwise only users who exist sign in */
            creates_users: boolean;
            /**
             * @description For a provider of the instance: the claim with the ID or external ID of the account in which a new user is created; null: it creates no users; visible to operators only
             * @example customer_id
             */
            account_claim?: string | null;
            /**
             * @description The claim, a string or an array of strings, that decides the role of a new user; null: none
             * @example groups
             */
            role_claim: string | null;
            /**
             * @description value=role for each value of the role claim; of several roles the highest counts
             * @example [
             *       "administrators=admin",
             *       "engineers=developer"
             *     ]
             */
            role_values: string[];
            /**
             * @description The role of a new user whose role claim has no listed value
             * @enum {string}
             */
            new_user_role: "member" | "viewer" | "developer" | "admin";
            /** @description A sign-in whose `amr` has `mfa`, or whose `acr` is among the trusted ones, counts as a sign-in with a second factor; visible to operators only */
            trusts_second_factor?: boolean;
            /**
             * @description Values of the claim `acr` that mean a second factor, beside `mfa` in `amr`; visible to operators only
             * @example [
             *       "phr"
             *     ]
             */
            trusted_acr?: string[];
            /** @description For a provider of the instance: lets operators sign in who connected their identity themselves, signed in with their own credentials. Only operators set it, and programs change nothing of such a provider; visible to operators only */
            operators?: boolean;
            /**
             * @description disabled: nobody signs in through it, and sessions that began with it have ended
             * @enum {string}
             */
            status: "enabled" | "disabled";
            /** @description Where the provider announces sign-outs (Back-Channel Logout) */
            backchannel_logout_uri: string;
            /** @description Where the provider sends browsers after a sign-out (RP-Initiated Logout) */
            post_logout_redirect_uri: string;
            /**
             * @description The redirect URI that the provider must know
             * @example https://login.example.com/signin/callback/019a7f3e-6c1b-7d52-9a54-3f1c2b7e8d90
             */
            redirect_uri: string;
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
         *       "creates_users": true,
         *       "new_user_role": "developer"
         *     }
         */
        IdentityProviderChange: {
            /**
             * @description The name on the sign-in page
             * @example Acme
             */
            name?: string;
            /**
             * @description The client ID of Keywright at the provider
             * @example keywright
             */
            client_id?: string;
            /**
             * @description How Keywright sends its client secret to the provider (OpenID Connect Core, section 9)
             * @enum {string}
             */
            client_auth?: "client_secret_basic" | "client_secret_post";
            /**
             * @description The scopes that are requested from the provider; openid is among them
             * @example [
             *       "openid",
             *       "profile",
             *       "email"
             *     ]
             */
            scopes?: string[];
            /** @description Users who sign out here are redirected to the `end_session_endpoint` of the provider (OpenID Connect RP-Initiated Logout), if their session began there while this was set */
            sign_out_at_provider?: boolean;
            /** @description Applications with `identity_assertions` obtain access tokens for users of this provider by its assertions (Identity Assertion JWT Authorization Grant), without their consent. Switching it off revokes these tokens */
            identity_assertions?: boolean;
            /** @description Creates a user at the first sign-in of somebody whose email address is verified and has no user; otherwise only users who exist sign in */
            creates_users?: boolean;
            /**
             * @description For a provider of the instance: the claim with the ID or external ID of the account in which a new user is created; null: it creates no users; visible to operators only
             * @example customer_id
             */
            account_claim?: string | null;
            /**
             * @description The claim, a string or an array of strings, that decides the role of a new user; null: none
             * @example groups
             */
            role_claim?: string | null;
            /**
             * @description value=role for each value of the role claim; of several roles the highest counts
             * @example [
             *       "administrators=admin",
             *       "engineers=developer"
             *     ]
             */
            role_values?: string[];
            /**
             * @description The role of a new user whose role claim has no listed value
             * @enum {string}
             */
            new_user_role?: "member" | "viewer" | "developer" | "admin";
            /** @description A sign-in whose `amr` has `mfa`, or whose `acr` is among the trusted ones, counts as a sign-in with a second factor; visible to operators only */
            trusts_second_factor?: boolean;
            /**
             * @description Values of the claim `acr` that mean a second factor, beside `mfa` in `amr`; visible to operators only
             * @example [
             *       "phr"
             *     ]
             */
            trusted_acr?: string[];
            /** @description For a provider of the instance: lets operators sign in who connected their identity themselves, signed in with their own credentials. Only operators set it, and programs change nothing of such a provider; visible to operators only */
            operators?: boolean;
            /** @description The client secret of Keywright at the provider; no response has it */
            client_secret?: string;
        };
        IdentityProviderWithDomains: {
            /**
             * Format: uuid
             * @example 019a7f3e-6c1b-7d52-9a54-3f1c2b7e8d90
             */
            id: string;
            /** @description null: of the instance */
            account_id: string | null;
            /**
             * @description The name on the sign-in page
             * @example Acme
             */
            name: string;
            /**
             * @description The issuer identifier of the OpenID provider (OpenID Connect Discovery); http only for localhost. It does not change
             * @example https://login.example.com
             */
            issuer: string;
            /**
             * @description The client ID of Keywright at the provider
             * @example keywright
             */
            client_id: string;
            /**
             * @description How Keywright sends its client secret to the provider (OpenID Connect Core, section 9)
             * @enum {string}
             */
            client_auth: "client_secret_basic" | "client_secret_post";
            /**
             * @description The scopes that are requested from the provider; openid is among them
             * @example [
             *       "openid",
             *       "profile",
             *       "email"
             *     ]
             */
            scopes: string[];
            /** @description Users who sign out here are redirected to the `end_session_endpoint` of the provider (OpenID Connect RP-Initiated Logout), if their session began there while this was set */
            sign_out_at_provider: boolean;
            /** @description Applications with `identity_assertions` obtain access tokens for users of this provider by its assertions (Identity Assertion JWT Authorization Grant), without their consent. Switching it off revokes these tokens */
            identity_assertions: boolean;
            /** @description Creates a user at the first sign-in of somebody whose email address is verified and has no user; otherwise only users who exist sign in */
            creates_users: boolean;
            /**
             * @description For a provider of the instance: the claim with the ID or external ID of the account in which a new user is created; null: it creates no users; visible to operators only
             * @example customer_id
             */
            account_claim?: string | null;
            /**
             * @description The claim, a string or an array of strings, that decides the role of a new user; null: none
             * @example groups
             */
            role_claim: string | null;
            /**
             * @description value=role for each value of the role claim; of several roles the highest counts
             * @example [
             *       "administrators=admin",
             *       "engineers=developer"
             *     ]
             */
            role_values: string[];
            /**
             * @description The role of a new user whose role claim has no listed value
             * @enum {string}
             */
            new_user_role: "member" | "viewer" | "developer" | "admin";
            /** @description A sign-in whose `amr` has `mfa`, or whose `acr` is among the trusted ones, counts as a sign-in with a second factor; visible to operators only */
            trusts_second_factor?: boolean;
            /**
             * @description Values of the claim `acr` that mean a second factor, beside `mfa` in `amr`; visible to operators only
             * @example [
             *       "phr"
             *     ]
             */
            trusted_acr?: string[];
            /** @description For a provider of the instance: lets operators sign in who connected their identity themselves, signed in with their own credentials. Only operators set it, and programs change nothing of such a provider; visible to operators only */
            operators?: boolean;
            /**
             * @description disabled: nobody signs in through it, and sessions that began with it have ended
             * @enum {string}
             */
            status: "enabled" | "disabled";
            /** @description Where the provider announces sign-outs (Back-Channel Logout) */
            backchannel_logout_uri: string;
            /** @description Where the provider sends browsers after a sign-out (RP-Initiated Logout) */
            post_logout_redirect_uri: string;
            /**
             * @description The redirect URI that the provider must know
             * @example https://login.example.com/signin/callback/019a7f3e-6c1b-7d52-9a54-3f1c2b7e8d90
             */
            redirect_uri: string;
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
            domains: {
                /** @example example.com */
                domain: string;
                /** @description null: it leads nobody to the provider */
                verified_at: string | null;
                /** @description Verified for another provider that the caller may see */
                verified_elsewhere: boolean;
            }[];
        };
        InitialAccessToken: {
            /**
             * Format: uuid
             * @example 019a7f3e-6c1b-7d52-9a54-3f1c2b7e8d90
             */
            id: string;
            /**
             * Format: uuid
             * @example 019a7f3e-6c1b-7d52-9a54-3f1c2b7e8d90
             */
            account_id: string;
            last_four: string;
            /**
             * @description The grant types that an application may register: authorization_code, refresh_token, client_credentials, urn:ietf:params:oauth:grant-type:device_code, urn:ietf:params:oauth:grant-type:jwt-bearer
             * @example [
             *       "authorization_code",
             *       "refresh_token"
             *     ]
             */
            grants: string[];
            /**
             * @description The APIs that registered applications may call; empty: the default API of the instance
             * @example [
             *       "https://api.example.com"
             *     ]
             */
            apis: string[];
            /**
             * @description The scopes that registered applications may request; null: every scope of the APIs
             * @example [
             *       "read"
             *     ]
             */
            scopes: string[] | null;
            /**
             * @description How many applications can register with the token, 1 to 10000
             * @example 1
             */
            max_uses: number;
            /** @description The applications that registered with it */
            uses: number;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            expires_at: string;
            /** @description Null: never */
            last_used_at: string | null;
        };
        InitialAccessTokenWithSecret: {
            initial_access_token: components["schemas"]["InitialAccessToken"];
            /** @description Shown only in this response */
            token: string;
        };
        Inspection: {
            /**
             * @description What the text looks like
             * @example jwt
             */
            kind: string;
            /** @description Null: there are several candidates */
            works: boolean | null;
            /**
             * @description Why it does not work: a stable code (docs/operating/inspect.md)
             * @example token_expired
             */
            reason: ("token_expired" | "token_revoked" | "token_replaced" | "signing_key_revoked" | "token_unknown" | "token_malformed" | "not_signed_by_issuer" | "not_an_access_token" | "wrong_audience" | "insufficient_scope" | "key_pair_replaced" | "key_pair_stopped" | "key_pair_ended" | "client_archived" | "client_deleted" | "account_disabled" | "api_disabled" | "owner_disabled" | "user_disabled" | "secret_retired" | "secret_expired" | "secret_malformed" | "not_found" | "not_searchable" | "unrecognized") | null;
            /** @description The reason as a sentence, which may change */
            explanation: string | null;
            findings: components["schemas"]["InspectionFinding"][];
            /** @description There are more candidates than `findings` */
            is_more: boolean;
        };
        /** @description A credential, client or user, whose it is, and whether it works */
        InspectionFinding: {
            /** @enum {string} */
            kind: "access_token" | "client_secret" | "api_key" | "client" | "user";
            works: boolean;
            /**
             * @description Why it does not work: a stable code (docs/operating/inspect.md)
             * @example token_expired
             */
            reason: ("token_expired" | "token_revoked" | "token_replaced" | "signing_key_revoked" | "token_unknown" | "token_malformed" | "not_signed_by_issuer" | "not_an_access_token" | "wrong_audience" | "insufficient_scope" | "key_pair_replaced" | "key_pair_stopped" | "key_pair_ended" | "client_archived" | "client_deleted" | "account_disabled" | "api_disabled" | "owner_disabled" | "user_disabled" | "secret_retired" | "secret_expired" | "secret_malformed" | "not_found" | "not_searchable" | "unrecognized") | null;
            /** @description The reason as a sentence, which may change */
            explanation: string | null;
            /** @description When it stopped working, if that is recorded */
            since: string | null;
            /** @description Who stopped it, if that is recorded */
            by: {
                type: string;
                id: string | null;
                label: string | null;
            } | null;
            /** @description Client ID of the key pair that replaced this one */
            replaced_by: string | null;
            account: {
                /**
                 * Format: uuid
                 * @example 019a7f3e-6c1b-7d52-9a54-3f1c2b7e8d90
                 */
                id: string;
                name: string;
            } | null;
            user: {
                /**
                 * Format: uuid
                 * @example 019a7f3e-6c1b-7d52-9a54-3f1c2b7e8d90
                 */
                id: string;
                email: string;
            } | null;
            client: {
                /** @example kwc_0Zk3tQ9xWb7YpLr2VfHd */
                client_id: string;
                /** @description The client ID if the client was deleted */
                name: string;
                kind: string;
                status: string;
            } | null;
            /** @description Identifier of the API that the token is for */
            api: string | null;
            token: {
                /**
                 * Format: uuid
                 * @example 019a7f3e-6c1b-7d52-9a54-3f1c2b7e8d90
                 */
                jti: string;
                scope: string;
                user_id: string | null;
                /** @description The account that the client acts for without a user */
                account_id: string | null;
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
            } | null;
            secret: {
                id: number;
                last_four: string;
                /**
                 * Format: date-time
                 * @example 2026-11-21T09:30:00.000Z
                 */
                created_at: string;
                retires_at: string | null;
            } | null;
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
            /**
             * @description The style of the font of all pages
             * @example humanist
             * @enum {string}
             */
            font: "system" | "humanist" | "geometric" | "grotesque" | "rounded" | "serif";
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
             * @description A paragraph of plain text on the sign-in page; null: none
             * @example Need help? Write to support@example.com.
             */
            sign_in_text: string | null;
            /**
             * @description Which users must sign in with a second factor. A user without a second factor sets one up at the next sign-in.
             * @enum {string}
             */
            second_factor_required: "nobody" | "operators" | "admins" | "everyone";
            /**
             * @description Seconds after the last request, after which a user signs in again
             * @example 259200
             */
            session_idle_lifetime: number;
            /**
             * @description Seconds after the sign-in, after which a user signs in again, however active they are
             * @example 604800
             */
            session_lifetime: number;
            /**
             * @description Where users sign in at your own product, which answers with `/sign-in-challenges`; null: users sign in here
             * @example https://app.example.com/sign-in
             */
            sign_in_url: string | null;
            /** @description Whether a second factor that your product states (`amr` with `mfa`) and its `acr` are believed */
            sign_in_url_mfa: boolean;
            /**
             * @description Who may sign in with a password or passkey here while there is a `sign_in_url`
             * @enum {string}
             */
            password_sign_in: "everyone" | "operators";
            /**
             * @description The language of e-mails to users without a language (BCP 47)
             * @example de
             * @enum {string}
             */
            default_language: "en" | "de" | "fr" | "es" | "pt" | "ja" | "ar";
            /**
             * @description URI schemes without a dot that redirect URIs may have
             * @example [
             *       "cursor",
             *       "vscode"
             *     ]
             */
            redirect_schemes: string[];
            /**
             * @description Which clients may register themselves at the registration endpoint (RFC 7591)
             * @enum {string}
             */
            dynamic_registration: "off" | "initial_access_token" | "open";
            /**
             * @description Which applications may use the URL of a metadata document as their client ID
             * @enum {string}
             */
            client_id_documents: "off" | "allowed_hosts" | "open";
            /**
             * @description The hosts whose applications may use the URL of a metadata document as their client ID
             * @example [
             *       "app.example.com"
             *     ]
             */
            client_id_document_hosts: string[];
            /**
             * @description The account that holds applications that were registered without a token; null: none can register so
             * @example 01a22b3f-cdb6-797f-ba2f-b9501fbc02be
             */
            open_registration_account: string | null;
            /**
             * @description The APIs of applications that were registered without a token; empty: the default API
             * @example [
             *       "https://api.example.com"
             *     ]
             */
            open_registration_apis: string[];
            /**
             * @description The scopes of applications that were registered without a token; null: all scopes of the APIs
             * @example [
             *       "read"
             *     ]
             */
            open_registration_scopes: string[] | null;
            /**
             * @description Web origins that console sessions may return to
             * @example [
             *       "https://app.example.com"
             *     ]
             */
            product_origins: string[];
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
            /**
             * @description The style of the font of all pages
             * @example humanist
             * @enum {string}
             */
            font?: "system" | "humanist" | "geometric" | "grotesque" | "rounded" | "serif";
            /** @description Shown beside the name; null: no logo */
            logo?: {
                /**
                 * Format: base64
                 * @description PNG, JPEG, WebP or SVG, at most 256 KiB
                 */
                base64: string;
            } | null;
            /**
             * @description A paragraph of plain text on the sign-in page; null: none
             * @example Need help? Write to support@example.com.
             */
            sign_in_text?: string | null;
            /**
             * @description Which users must sign in with a second factor. A user without a second factor sets one up at the next sign-in.
             * @enum {string}
             */
            second_factor_required?: "nobody" | "operators" | "admins" | "everyone";
            /**
             * @description Seconds after the last request, after which a user signs in again
             * @example 259200
             */
            session_idle_lifetime?: number;
            /**
             * @description Seconds after the sign-in, after which a user signs in again, however active they are
             * @example 604800
             */
            session_lifetime?: number;
            /**
             * @description Where users sign in at your own product, which answers with `/sign-in-challenges`; null: users sign in here
             * @example https://app.example.com/sign-in
             */
            sign_in_url?: string | null;
            /** @description Whether a second factor that your product states (`amr` with `mfa`) and its `acr` are believed */
            sign_in_url_mfa?: boolean;
            /**
             * @description Who may sign in with a password or passkey here while there is a `sign_in_url`
             * @enum {string}
             */
            password_sign_in?: "everyone" | "operators";
            /**
             * @description The language of e-mails to users without a language (BCP 47)
             * @example de
             * @enum {string}
             */
            default_language?: "en" | "de" | "fr" | "es" | "pt" | "ja" | "ar";
            /**
             * @description URI schemes without a dot that redirect URIs may have
             * @example [
             *       "cursor",
             *       "vscode"
             *     ]
             */
            redirect_schemes?: string[];
            /**
             * @description Which clients may register themselves at the registration endpoint (RFC 7591)
             * @enum {string}
             */
            dynamic_registration?: "off" | "initial_access_token" | "open";
            /**
             * @description Which applications may use the URL of a metadata document as their client ID
             * @enum {string}
             */
            client_id_documents?: "off" | "allowed_hosts" | "open";
            /**
             * @description The hosts whose applications may use the URL of a metadata document as their client ID
             * @example [
             *       "app.example.com"
             *     ]
             */
            client_id_document_hosts?: string[];
            /**
             * @description The account that holds applications that were registered without a token; null: none can register so
             * @example 01a22b3f-cdb6-797f-ba2f-b9501fbc02be
             */
            open_registration_account?: string | null;
            /**
             * @description The APIs of applications that were registered without a token; empty: the default API
             * @example [
             *       "https://api.example.com"
             *     ]
             */
            open_registration_apis?: string[];
            /**
             * @description The scopes of applications that were registered without a token; null: all scopes of the APIs
             * @example [
             *       "read"
             *     ]
             */
            open_registration_scopes?: string[] | null;
            /**
             * @description Web origins that console sessions may return to
             * @example [
             *       "https://app.example.com"
             *     ]
             */
            product_origins?: string[];
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
             * @description The language of the pages and e-mails for the user (BCP 47), which the user can select too; applications receive it as the claim `locale`; null: no preference
             * @example de
             */
            language?: ("en" | "de" | "fr" | "es" | "pt" | "ja" | "ar") | null;
            /**
             * @description The company's own ID of the user: at most 200 visible ASCII characters, unique in the instance; null: none; visible to operators only
             * @example cus_8Jx2
             */
            external_id?: string | null;
            /**
             * @description A JSON object for the company's own use, at most 4096 bytes and 4 levels; a change replaces all of it; visible to operators only
             * @example {
             *       "plan": "gold"
             *     }
             */
            metadata?: {
                [key: string]: unknown;
            };
            /**
             * @description A member signs in to applications, a viewer also sees what the account has, a developer also has key pairs and manages applications, an admin manages the account, and an operator the instance
             * @enum {string}
             */
            role: "member" | "viewer" | "developer" | "admin" | "operator";
            /**
             * Format: uuid
             * @description Default: the account of the caller
             * @example 019a7f3e-6c1b-7d52-9a54-3f1c2b7e8d90
             */
            account_id?: string;
        };
        /**
         * @example {
         *       "jwks": {
         *         "keys": [
         *           {
         *             "kty": "OKP",
         *             "crv": "Ed25519",
         *             "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
         *           }
         *         ]
         *       }
         *     }
         */
        KeyAddition: {
            jwks: {
                keys: {
                    [key: string]: unknown;
                }[];
            } | string;
            /**
             * @description When the new secret expires; default: after the longest lifetime that the account and the APIs allow
             * @example 2099-12-31T00:00:00Z
             */
            expires_at?: string | null;
        };
        /** @description The last fetch of the public keys from jwks_uri; null: the application has no jwks_uri */
        KeyFetch: {
            /** @description When the last successful fetch began */
            fetched_at: string | null;
            /** @description When the last fetch failed; null: it did not */
            failed_at: string | null;
            /** @description Why it failed */
            failure: string | null;
            /** @description Until when no fetch is made, over all nodes; null: one can be made now */
            cools_until: string | null;
        } | null;
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
                status: "active" | "archived" | "replaced" | "deleting";
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
                /**
                 * @description Which key pairs may call it: one for each admin; named: also named ones; environments: also named ones that are live or test
                 * @enum {string}
                 */
                key_pairs: "one" | "named" | "environments";
            }[];
            api_enabled: boolean;
        };
        /**
         * @example {
         *       "access_token_ttl": 900
         *     }
         */
        KeyPairChange: {
            /**
             * @description A note for admins; users do not see it
             * @example Exports invoices every night; maintained by the billing team
             */
            description?: string;
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
            /** @description single: a new token revokes the earlier one; null: the policy of the API */
            policy?: ("none" | "single") | null;
            /**
             * @description In seconds, from the issuance: the same client_credentials request receives the same access token; null: a new token each time
             * @example 300
             */
            reuse_window?: number | null;
            /**
             * @description Networks in CIDR notation that token requests may come from; null: any network. Removing a network revokes the access tokens
             * @example [
             *       "192.0.2.0/24"
             *     ]
             */
            allowed_networks?: string[] | null;
            /** @description Accept client credentials in the query string, where logs may record them */
            query_credentials?: boolean;
            /** @description Issue a refresh token for client_credentials */
            client_credentials_refresh?: boolean;
            /** @description Accept assertions of private_key_jwt whose audience is the URL of an endpoint, or a list of the issuer and such URLs */
            endpoint_audiences?: boolean;
            /** @description Require an API key in the x-api-key header */
            api_key_required?: boolean;
            /** @description Whether access tokens are bound to the certificate of the TLS connection (RFC 8705, tls_client_certificate_bound_access_tokens); tokens that were issued before stay unbound */
            certificate_bound_access_tokens?: boolean;
            /** @description Each use of a refresh token replaces it; always true for public clients */
            refresh_token_rotation?: boolean;
            /**
             * @description Token requests per second, minute or hour: N/s, N/min or N/h; null: no limit; visible to operators only
             * @example 10/s
             */
            rate_limit?: string | null;
            /**
             * @description The most access tokens that the application gets in one hour (UTC); null: no quota; visible to operators only
             * @example 1000
             */
            quota_per_hour?: number | null;
            /**
             * @description The most access tokens that the application gets in one day (UTC); null: no quota; visible to operators only
             * @example 10000
             */
            quota_per_day?: number | null;
            /**
             * @description enforce: token requests beyond the quota get status 429; observe: they are issued and counted; visible to operators only
             * @enum {string}
             */
            quota_mode?: "enforce" | "observe";
            /**
             * @description Whether each token request needs a DPoP proof (RFC 9449, dpop_bound_access_tokens), so that no token is issued without a key; tokens that were issued before stay unbound. nonce: each proof at Keywright’s endpoints must also have a nonce of the server (section 8)
             * @enum {string}
             */
            dpop?: "optional" | "required" | "nonce";
            /**
             * @description The company's own ID of the application: at most 200 visible ASCII characters, unique in the instance; null: none; visible to operators only
             * @example cus_8Jx2
             */
            external_id?: string | null;
            /**
             * @description A JSON object for the company's own use, at most 4096 bytes and 4 levels; a change replaces all of it; visible to operators only
             * @example {
             *       "plan": "gold"
             *     }
             */
            metadata?: {
                [key: string]: unknown;
            };
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
        KeyPairDetails: {
            /** @example kwc_0Zk3tQ9xWb7YpLr2VfHd */
            client_id: string;
            name: string;
            /** @description Null: the default key pair of the user */
            pair_name: string | null;
            /** @description The environment of a named key pair */
            environment: ("live" | "test") | null;
            /**
             * @description archived: it was stopped; replaced: its owner has newer keys
             * @enum {string}
             */
            status: "active" | "archived" | "replaced" | "deleting";
            /**
             * Format: uuid
             * @example 019a7f3e-6c1b-7d52-9a54-3f1c2b7e8d90
             */
            account_id: string;
            account_name: string;
            owner: {
                /**
                 * Format: uuid
                 * @example 019a7f3e-6c1b-7d52-9a54-3f1c2b7e8d90
                 */
                id: string;
                email: string;
                name: string | null;
            };
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
            /**
             * @description A note for admins; users do not see it
             * @example Exports invoices every night; maintained by the billing team
             */
            description: string;
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
            /** @description single: a new token revokes the earlier one; null: the policy of the API */
            policy: ("none" | "single") | null;
            /**
             * @description In seconds, from the issuance: the same client_credentials request receives the same access token; null: a new token each time
             * @example 300
             */
            reuse_window: number | null;
            /**
             * @description Networks in CIDR notation that token requests may come from; null: any network. Removing a network revokes the access tokens
             * @example [
             *       "192.0.2.0/24"
             *     ]
             */
            allowed_networks: string[] | null;
            /** @description Accept client credentials in the query string, where logs may record them */
            query_credentials: boolean;
            /** @description Issue a refresh token for client_credentials */
            client_credentials_refresh: boolean;
            /** @description Accept assertions of private_key_jwt whose audience is the URL of an endpoint, or a list of the issuer and such URLs */
            endpoint_audiences: boolean;
            /** @description Require an API key in the x-api-key header */
            api_key_required: boolean;
            /** @description Whether access tokens are bound to the certificate of the TLS connection (RFC 8705, tls_client_certificate_bound_access_tokens); tokens that were issued before stay unbound */
            certificate_bound_access_tokens: boolean;
            /** @description Each use of a refresh token replaces it; always true for public clients */
            refresh_token_rotation: boolean;
            /**
             * @description Token requests per second, minute or hour: N/s, N/min or N/h; null: no limit; visible to operators only
             * @example 10/s
             */
            rate_limit?: string | null;
            /**
             * @description The most access tokens that the application gets in one hour (UTC); null: no quota; visible to operators only
             * @example 1000
             */
            quota_per_hour?: number | null;
            /**
             * @description The most access tokens that the application gets in one day (UTC); null: no quota; visible to operators only
             * @example 10000
             */
            quota_per_day?: number | null;
            /**
             * @description enforce: token requests beyond the quota get status 429; observe: they are issued and counted; visible to operators only
             * @enum {string}
             */
            quota_mode?: "enforce" | "observe";
            /**
             * @description Whether each token request needs a DPoP proof (RFC 9449, dpop_bound_access_tokens), so that no token is issued without a key; tokens that were issued before stay unbound. nonce: each proof at Keywright’s endpoints must also have a nonce of the server (section 8)
             * @enum {string}
             */
            dpop: "optional" | "required" | "nonce";
            /**
             * @description The company's own ID of the application: at most 200 visible ASCII characters, unique in the instance; null: none; visible to operators only
             * @example cus_8Jx2
             */
            external_id?: string | null;
            /**
             * @description A JSON object for the company's own use, at most 4096 bytes and 4 levels; a change replaces all of it; visible to operators only
             * @example {
             *       "plan": "gold"
             *     }
             */
            metadata?: {
                [key: string]: unknown;
            };
            active_refresh_tokens: components["schemas"]["BoundedCount"];
            /** @description Whether the API is enabled for the instance and the account */
            api_enabled: boolean;
        };
        /** @example {} */
        KeyPairGeneration: {
            /** @description The APIs that the key pair may call; the first is its default. Default: the APIs of the previous pair, or the default API */
            apis?: string[];
            /** @description The client id of the pair to replace, null for none; the response is 412 when the user has another pair */
            replaces?: string | null;
            /**
             * @description When the new secret expires; default: after the longest lifetime that the account and the APIs allow
             * @example 2099-12-31T00:00:00Z
             */
            secret_expires_at?: string | null;
        };
        KeyPairList: {
            items: components["schemas"]["KeyPairSummary"][];
        };
        KeyPairSummary: {
            /** @example kwc_0Zk3tQ9xWb7YpLr2VfHd */
            client_id: string;
            /** @description Null: the default key pair of the user */
            pair_name: string | null;
            /** @description The environment of a named key pair */
            environment: ("live" | "test") | null;
            /**
             * @description archived: it was stopped
             * @enum {string}
             */
            status: "active" | "archived" | "replaced" | "deleting";
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
            last_used_at: string | null;
            /** @description The last four characters of the client secret */
            last_four: string | null;
            apis: components["schemas"]["ClientApi"][];
        };
        LeakFeedback: {
            /** @description SHA-256 of the reported text, in hexadecimal */
            token_hash: string;
            /** @description `type` of the finding */
            token_type: string | null;
            /**
             * @description `true_positive`: Keywright issued it, and you may know that
             * @enum {string}
             */
            label: "true_positive" | "false_positive";
            /** @description Null: a false positive */
            kind: ("client_secret" | "api_key" | "access_token" | "refresh_token") | null;
            /**
             * @description `revoked`: it was revoked because of a report; `reported`: its account wants reports only; `inactive`: it worked no longer
             * @enum {string}
             */
            outcome: "revoked" | "reported" | "inactive" | "not_found";
        };
        /** @description A report of a leaked client secret, API key or token */
        LeakReport: {
            /**
             * Format: uuid
             * @example 019a7f3e-6c1b-7d52-9a54-3f1c2b7e8d90
             */
            id: string;
            /** @enum {string} */
            kind: "client_secret" | "api_key" | "access_token" | "refresh_token";
            account_id: string | null;
            client: {
                /** @example kwc_0Zk3tQ9xWb7YpLr2VfHd */
                client_id: string;
                name: string;
                kind: string;
            } | null;
            last_four: string | null;
            /** @description false: the account wants reports only */
            is_revoked: boolean;
            /** @description Nobody has dismissed the report, and the secret is not replaced */
            is_open: boolean;
            /** @description Where it was found, without query and fragment */
            url: string | null;
            source: string | null;
            /** @enum {string} */
            reporter: "api" | "github";
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            reported_at: string;
            dismissed_at: string | null;
        };
        ListedSoftwareStatementIssuer: {
            /**
             * Format: uuid
             * @example 019a7f3e-6c1b-7d52-9a54-3f1c2b7e8d90
             */
            id: string;
            /**
             * Format: uuid
             * @description The account of the applications that register
             * @example 019a7f3e-6c1b-7d52-9a54-3f1c2b7e8d90
             */
            account_id: string;
            /**
             * @description As in the claim iss of its software statements, compared exactly
             * @example https://directory.example.com
             */
            issuer: string;
            /**
             * @description Where the issuer publishes its public keys as a JWK set, instead of `jwks`
             * @example https://directory.example.com/jwks.json
             */
            jwks_uri: string | null;
            /**
             * @description The grant types that an application may register: authorization_code, refresh_token, client_credentials, urn:ietf:params:oauth:grant-type:device_code, urn:ietf:params:oauth:grant-type:jwt-bearer
             * @example [
             *       "authorization_code",
             *       "refresh_token"
             *     ]
             */
            grants: string[];
            /**
             * @description The APIs that registered applications may call; empty: the default API of the instance
             * @example [
             *       "https://api.example.com"
             *     ]
             */
            apis: string[];
            /**
             * @description The scopes that registered applications may request; null: every scope of the APIs
             * @example [
             *       "read"
             *     ]
             */
            scopes: string[] | null;
            /** @description Its public keys (RFC 7517); null: they are read at `jwks_uri` */
            jwks: {
                [key: string]: unknown;
            }[] | null;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
            /** @description Null: never */
            last_used_at: string | null;
            /** @description Why its keys could not be read at the last attempt; null: they could, or were not needed */
            failure: string | null;
        };
        /** @description A message to a user, without its content */
        MailMessage: {
            /**
             * Format: uuid
             * @description Also the left part of the Message-ID
             * @example 019a7f3e-6c1b-7d52-9a54-3f1c2b7e8d90
             */
            id: string;
            /**
             * @description The template
             * @example invitation
             */
            kind: string;
            recipient: string;
            /**
             * Format: uuid
             * @example 019a7f3e-6c1b-7d52-9a54-3f1c2b7e8d90
             */
            user_id: string;
            account_id: string | null;
            /**
             * @description `failed`: Keywright does not try again
             * @enum {string}
             */
            status: "queued" | "sent" | "failed";
            attempts: number;
            /** @description Why the last attempt failed */
            error: string | null;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
            /** @description Null unless `queued` */
            next_attempt_at: string | null;
            finished_at: string | null;
        };
        Membership: {
            /**
             * Format: uuid
             * @example 019a7f3e-6c1b-7d52-9a54-3f1c2b7e8d90
             */
            user_id: string;
            /**
             * Format: uuid
             * @example 019a7f3e-6c1b-7d52-9a54-3f1c2b7e8d90
             */
            account_id: string;
            account_name: string;
            /**
             * @description A member signs in to applications, a viewer also sees what the account has, a developer also has key pairs and manages applications, an admin manages the account, and an operator the instance
             * @enum {string}
             */
            role: "member" | "viewer" | "developer" | "admin";
            /**
             * @description disabled: the user cannot act in this account, and what they had there is revoked
             * @enum {string}
             */
            status: "active" | "disabled";
            /** @description The account in which the user acts after a sign-in */
            is_first: boolean;
            /** @description What has to happen before the user acts in the account with a password, passkey or connected application of their own. confirmed_address: an operator, or a service of yours, names the address of the user. proof_of_mailbox: the user proves it, under *Switch account*. Console sessions and sign-ins that are fixed to the account need neither. */
            waits_for: ("confirmed_address" | "proof_of_mailbox") | null;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
        };
        /**
         * @example {
         *       "role": "viewer"
         *     }
         */
        MembershipChange: {
            /**
             * @description A member signs in to applications, a viewer also sees what the account has, a developer also has key pairs and manages applications, an admin manages the account, and an operator the instance
             * @enum {string}
             */
            role?: "member" | "viewer" | "developer" | "admin";
            /**
             * @description disabled: the user cannot act in this account, and what they had there is revoked
             * @enum {string}
             */
            status?: "active" | "disabled";
        };
        /**
         * @example {
         *       "pair_name": "Night job"
         *     }
         */
        NamedKeyPairGeneration: {
            /** @description The APIs that the key pair may call; the first is its default. Default: the APIs of the previous pair, or the default API */
            apis?: string[];
            /** @description The client id of the pair to replace, null for none; the response is 412 when the user has another pair */
            replaces?: string | null;
            /**
             * @description When the new secret expires; default: after the longest lifetime that the account and the APIs allow
             * @example 2099-12-31T00:00:00Z
             */
            secret_expires_at?: string | null;
            /**
             * @description At most 60 characters; compared without regard to case
             * @example Night job
             */
            pair_name: string;
            /** @description Required for a new name if its APIs have environments; default: that of the previous pair of this name. It cannot be changed */
            environment?: ("live" | "test") | null;
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
            /**
             * @description Networks in CIDR notation that token requests of its clients may come from; null: any network. Removing a network revokes their access tokens
             * @example [
             *       "192.0.2.0/24"
             *     ]
             */
            allowed_networks?: string[] | null;
            /**
             * @description The longest lifetime of new client secrets of its applications and key pairs in seconds; null: no limit
             * @example 7776000
             */
            max_secret_lifetime?: number | null;
            /**
             * @description The most access tokens that all its applications and key pairs together get in one hour (UTC); null: no quota
             * @example 1000
             */
            quota_per_hour?: number | null;
            /**
             * @description The most access tokens that all its applications and key pairs together get in one day (UTC); null: no quota
             * @example 10000
             */
            quota_per_day?: number | null;
            /**
             * @description enforce: token requests beyond the quota get status 429; observe: they are issued and counted
             * @enum {string}
             */
            quota_mode?: "enforce" | "observe";
            /**
             * @description What a report of a leaked client secret, API key or token does: `revoke` it at once, or only `report` it
             * @enum {string}
             */
            leaked_credentials?: "revoke" | "report";
            /**
             * @description Which users of the account must sign in with a second factor, in addition to those of whom the instance requires it. A user without a second factor sets one up at the next sign-in.
             * @enum {string}
             */
            second_factor_required?: "nobody" | "admins" | "everyone";
            /**
             * @description The company's own ID of the account: at most 200 visible ASCII characters, unique in the instance; null: none; visible to operators only
             * @example cus_8Jx2
             */
            external_id?: string | null;
            /**
             * @description A JSON object for the company's own use, at most 4096 bytes and 4 levels; a change replaces all of it; visible to operators only
             * @example {
             *       "plan": "gold"
             *     }
             */
            metadata?: {
                [key: string]: unknown;
            };
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
             * @description Whether access tokens of clients with allowed networks have the claim allowed_networks
             * @default false
             */
            networks_claim?: boolean;
            /**
             * @description Whether each token request for it needs a DPoP proof (RFC 9449), so that no token for it is issued without a key; tokens that were issued before stay unbound
             * @default false
             */
            dpop_required?: boolean;
            /**
             * @description Claims of its access tokens with values from the metadata of the account, client or user; at most 10, and values of at most 256 bytes of JSON; visible to operators only
             * @default []
             * @example [
             *       {
             *         "name": "plan",
             *         "from": "account",
             *         "key": "plan"
             *       }
             *     ]
             */
            claims?: {
                /** @description The name of the claim */
                name: string;
                /**
                 * @description Whose metadata
                 * @enum {string}
                 */
                from: "account" | "client" | "user";
                /** @description The name of the member of metadata, at the first level */
                key: string;
            }[];
            /**
             * @description Which key pairs may call it: one for each admin; named: also named ones; environments: also named ones that are live or test
             * @default one
             * @enum {string}
             */
            key_pairs?: "one" | "named" | "environments";
            /**
             * @description The longest lifetime of new client secrets of applications and key pairs that may call it in seconds; null: no limit
             * @default null
             * @example 7776000
             */
            max_secret_lifetime?: number | null;
            /**
             * @description Whether it is the API of token requests that name none
             * @default false
             */
            is_default?: boolean;
            /**
             * @description The title and description that users see, by scope, also in other languages
             * @example {
             *       "invoices:read": {
             *         "title": "View your invoices",
             *         "translations": {
             *           "de": {
             *             "title": "Ihre Rechnungen ansehen",
             *             "description": ""
             *           }
             *         }
             *       }
             *     }
             */
            texts?: {
                [key: string]: {
                    /** @description Left out: title and description stay */
                    title?: string;
                    /** @description Empty if it is left out beside a title */
                    description?: string;
                    /** @description Title and description by language tag (RFC 5646); null removes a language, and languages that are left out stay */
                    translations?: {
                        [key: string]: {
                            title: string;
                            /** @default  */
                            description?: string;
                        } | null;
                    };
                };
            };
            /** @description Public keys with which the API authenticates for introspection in place of a client secret (private_key_jwt): a JWK set (RFC 7517), or a text with PEM blocks, which are public keys or certificates */
            jwks?: {
                keys: {
                    [key: string]: unknown;
                }[];
            } | string;
            /**
             * @description Where the API publishes these public keys, instead of jwks
             * @example https://api.example.com/jwks.json
             */
            jwks_uri?: string;
        };
        /**
         * @example {
         *       "name": "Billing export",
         *       "type": "service"
         *     }
         */
        NewApplication: {
            /**
             * @description By what a confidential client authenticates: a client secret, assertions signed by its private key, a certificate in TLS, or the token of an issuer that it trusts. A rotation of its credentials can change it
             * @enum {string}
             */
            auth_method?: "client_secret" | "private_key_jwt" | "self_signed_tls_client_auth" | "tls_client_auth" | "workload_identity";
            /**
             * @description Where a client with auth_method private_key_jwt publishes its public keys (RFC 7591, section 2), instead of `jwks`. A change ends the present keys, and every token of the client, at once
             * @example https://app.example.com/jwks.json
             */
            jwks_uri?: string | null;
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
             * @description The grant types that the application may use: authorization_code, refresh_token, client_credentials, urn:ietf:params:oauth:grant-type:device_code, urn:ietf:params:oauth:grant-type:token-exchange, urn:ietf:params:oauth:grant-type:jwt-bearer
             * @example [
             *       "authorization_code",
             *       "refresh_token"
             *     ]
             */
            grants?: string[];
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
             * @description The algorithm that signs ID tokens, and authorization responses (JARM)
             * @enum {string}
             */
            id_token_alg?: "RS256" | "ES256";
            /** @description Whether it must meet the FAPI 2.0 Security Profile. Enabling it sets par_required and pkce_required to true, refresh_token_rotation to false, id_token_alg to ES256, and dpop to required unless tokens are bound to a certificate. Settings that contradict it are refused, and so are JWTs signed by RS256 */
            fapi2?: boolean;
            /** @description Whether authorization requests must be pushed (RFC 9126, require_pushed_authorization_requests): those in a URL are refused */
            par_required?: boolean;
            /** @description Whether authorization requests must be signed request objects (RFC 9101, require_signed_request_object), pushed or in the URL. Only for clients with the authentication method private_key_jwt, whose keys sign them */
            request_objects_required?: boolean;
            /** @description Whether authorization responses must be signed (JARM): a request needs a response_mode that is jwt or ends in .jwt, and errors are signed too. The algorithm is id_token_alg */
            signed_responses_required?: boolean;
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
            /**
             * @description In seconds, from the issuance: the same client_credentials request receives the same access token; null: a new token each time
             * @example 300
             */
            reuse_window?: number | null;
            /**
             * @description Networks in CIDR notation that token requests may come from; null: any network. Removing a network revokes the access tokens
             * @example [
             *       "192.0.2.0/24"
             *     ]
             */
            allowed_networks?: string[] | null;
            /** @description Accept client credentials in the query string, where logs may record them */
            query_credentials?: boolean;
            /** @description Issue a refresh token for client_credentials */
            client_credentials_refresh?: boolean;
            /** @description Accept assertions of private_key_jwt whose audience is the URL of an endpoint, or a list of the issuer and such URLs */
            endpoint_audiences?: boolean;
            /** @description Require an API key in the x-api-key header */
            api_key_required?: boolean;
            /** @description Whether access tokens are bound to the certificate of the TLS connection (RFC 8705, tls_client_certificate_bound_access_tokens); tokens that were issued before stay unbound */
            certificate_bound_access_tokens?: boolean;
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
             * @description The most access tokens that the application gets in one hour (UTC); null: no quota; visible to operators only
             * @example 1000
             */
            quota_per_hour?: number | null;
            /**
             * @description The most access tokens that the application gets in one day (UTC); null: no quota; visible to operators only
             * @example 10000
             */
            quota_per_day?: number | null;
            /**
             * @description enforce: token requests beyond the quota get status 429; observe: they are issued and counted; visible to operators only
             * @enum {string}
             */
            quota_mode?: "enforce" | "observe";
            /**
             * @description Whether the application may act for users, for itself, or both; visible to operators only
             * @enum {string}
             */
            access_type?: "both" | "user" | "client";
            /**
             * @description Whether each token request needs a DPoP proof (RFC 9449, dpop_bound_access_tokens), so that no token is issued without a key; tokens that were issued before stay unbound. nonce: each proof at Keywright’s endpoints must also have a nonce of the server (section 8)
             * @enum {string}
             */
            dpop?: "optional" | "required" | "nonce";
            /**
             * @description Client IDs of the applications whose tokens of users the application may exchange (RFC 8693); null: none. Removing one revokes the exchanged tokens
             * @example [
             *       "kwc_2Ew9fTbnCN0ZPqTtGKsu"
             *     ]
             */
            exchange_from?: string[] | null;
            /**
             * @description The scopes that exchanged tokens may have, of those of the application and of the token that they are exchanged for; null: all of these
             * @example [
             *       "read"
             *     ]
             */
            exchange_scopes?: string[] | null;
            /**
             * @description In seconds: the greatest lifetime of exchanged tokens; null: 1 hour
             * @example 300
             */
            exchange_ttl?: number | null;
            /**
             * @description APIs for which the application may exchange tokens of other APIs; null: only the API of the token that is exchanged; visible to operators only
             * @example [
             *       "https://api.example.com"
             *     ]
             */
            exchange_apis?: string[] | null;
            /**
             * @description Account IDs, or `any`: the application may exchange its own token for one of any user of these accounts, without their consent (RFC 8693); null: none. Removing one revokes the exchanged tokens; visible to operators only
             * @example [
             *       "any"
             *     ]
             */
            exchange_accounts?: string[] | null;
            /**
             * @description Account IDs, or `any`: the application may exchange its own token for one that acts for one of these accounts, without a user (RFC 8693); null: none. Removing one revokes the exchanged tokens; visible to operators only
             * @example [
             *       "any"
             *     ]
             */
            exchange_without_user?: string[] | null;
            /** @description The application obtains access tokens for users by assertions of the identity provider of their account (Identity Assertion JWT Authorization Grant), with the grant type `urn:ietf:params:oauth:grant-type:jwt-bearer`. Switching it off revokes these tokens */
            identity_assertions?: boolean;
            /** @description Shown on the allow/deny page, and on the sign-in page if the application is verified; null: no logo */
            logo?: {
                /**
                 * Format: base64
                 * @description PNG, JPEG, WebP or SVG, at most 256 KiB
                 */
                base64: string;
            } | null;
            /**
             * @description The colour of buttons and links on the sign-in and allow/deny pages; null: that of the instance
             * @example #0a7d4f
             */
            accent?: string | null;
            /** @description Whether an operator has checked who runs the application; the sign-in page then shows its logo too; visible to operators only */
            is_verified?: boolean;
            /**
             * @description The home page of the application, linked from the allow/deny page (RFC 7591, section 2); https only
             * @example https://app.example.com/
             */
            client_uri?: string | null;
            /**
             * @description The privacy policy, linked from the allow/deny page (RFC 7591, section 2); https only
             * @example https://app.example.com/privacy
             */
            policy_uri?: string | null;
            /**
             * @description The terms of service, linked from the allow/deny page (RFC 7591, section 2); https only
             * @example https://app.example.com/terms
             */
            tos_uri?: string | null;
            /**
             * @description The company's own ID of the application: at most 200 visible ASCII characters, unique in the instance; null: none; visible to operators only
             * @example cus_8Jx2
             */
            external_id?: string | null;
            /**
             * @description A JSON object for the company's own use, at most 4096 bytes and 4 levels; a change replaces all of it; visible to operators only
             * @example {
             *       "plan": "gold"
             *     }
             */
            metadata?: {
                [key: string]: unknown;
            };
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
            /**
             * @description What the application is, which gives grants and is_public their values if they are absent; without a type, grants is required. It is not stored.
             * @enum {string}
             */
            type?: "web" | "spa" | "desktop" | "service" | "device";
            /** @description Default: the account of the caller; null: the instance (operators only) */
            account_id?: string | null;
            /**
             * @description When the new secret expires; default: after the longest lifetime that the account and the APIs allow
             * @example 2099-12-31T00:00:00Z
             */
            secret_expires_at?: string | null;
            /** @description For auth_method workload_identity: an issuer, and which of its tokens prove the application */
            trust?: components["schemas"]["Trust"];
            /** @description The public keys of an application with auth_method private_key_jwt: a JWK set (RFC 7517), or a text with PEM blocks, which are public keys or certificates; or a JWK set with certificates (x5c) for self_signed_tls_client_auth */
            jwks?: {
                keys: {
                    [key: string]: unknown;
                }[];
            } | string;
            /** @description Certificates in PEM, for auth_method self_signed_tls_client_auth */
            certificates?: string;
            /**
             * @description The subject of the certificates (RFC 4514), compared exactly; tls_client_auth needs one of the names that begin with tls_client_auth
             * @example CN=client,O=Example,C=DE
             */
            tls_client_auth_subject_dn?: string;
            /**
             * @description A DNS name of the certificates
             * @example client.example.com
             */
            tls_client_auth_san_dns?: string;
            /**
             * @description A URI of the certificates
             * @example spiffe://example.com/client
             */
            tls_client_auth_san_uri?: string;
            /**
             * @description An IP address of the certificates
             * @example 192.0.2.7
             */
            tls_client_auth_san_ip?: string;
            /**
             * @description An email address of the certificates
             * @example client@example.com
             */
            tls_client_auth_san_email?: string;
        };
        /**
         * @example {
         *       "name": "Acme",
         *       "issuer": "https://login.example.com",
         *       "client_id": "keywright",
         *       "client_secret": "a-client-secret"
         *     }
         */
        NewIdentityProvider: {
            /**
             * Format: uuid
             * @description For operators; absent: the instance. Admins: the own account
             * @example 019a7f3e-6c1b-7d52-9a54-3f1c2b7e8d90
             */
            account_id?: string;
            /** @description The client secret of Keywright at the provider; no response has it */
            client_secret: string;
            /**
             * @description The name on the sign-in page
             * @example Acme
             */
            name: string;
            /**
             * @description The issuer identifier of the OpenID provider (OpenID Connect Discovery); http only for localhost. It does not change
             * @example https://login.example.com
             */
            issuer: string;
            /**
             * @description The client ID of Keywright at the provider
             * @example keywright
             */
            client_id: string;
            /**
             * @description How Keywright sends its client secret to the provider (OpenID Connect Core, section 9)
             * @default client_secret_basic
             * @enum {string}
             */
            client_auth?: "client_secret_basic" | "client_secret_post";
            /**
             * @description The scopes that are requested from the provider; openid is among them
             * @default [
             *       "openid",
             *       "profile",
             *       "email"
             *     ]
             * @example [
             *       "openid",
             *       "profile",
             *       "email"
             *     ]
             */
            scopes?: string[];
            /**
             * @description Users who sign out here are redirected to the `end_session_endpoint` of the provider (OpenID Connect RP-Initiated Logout), if their session began there while this was set
             * @default false
             */
            sign_out_at_provider?: boolean;
            /**
             * @description Applications with `identity_assertions` obtain access tokens for users of this provider by its assertions (Identity Assertion JWT Authorization Grant), without their consent. Switching it off revokes these tokens
             * @default false
             */
            identity_assertions?: boolean;
            /**
             * @description Creates a user at the first sign-in of somebody whose email address is verified and has no user; otherwise only users who exist sign in
             * @default false
             */
            creates_users?: boolean;
            /**
             * @description For a provider of the instance: the claim with the ID or external ID of the account in which a new user is created; null: it creates no users; visible to operators only
             * @default null
             * @example customer_id
             */
            account_claim?: string | null;
            /**
             * @description The claim, a string or an array of strings, that decides the role of a new user; null: none
             * @default null
             * @example groups
             */
            role_claim?: string | null;
            /**
             * @description value=role for each value of the role claim; of several roles the highest counts
             * @default []
             * @example [
             *       "administrators=admin",
             *       "engineers=developer"
             *     ]
             */
            role_values?: string[];
            /**
             * @description The role of a new user whose role claim has no listed value
             * @default member
             * @enum {string}
             */
            new_user_role?: "member" | "viewer" | "developer" | "admin";
            /**
             * @description A sign-in whose `amr` has `mfa`, or whose `acr` is among the trusted ones, counts as a sign-in with a second factor; visible to operators only
             * @default false
             */
            trusts_second_factor?: boolean;
            /**
             * @description Values of the claim `acr` that mean a second factor, beside `mfa` in `amr`; visible to operators only
             * @default []
             * @example [
             *       "phr"
             *     ]
             */
            trusted_acr?: string[];
            /**
             * @description For a provider of the instance: lets operators sign in who connected their identity themselves, signed in with their own credentials. Only operators set it, and programs change nothing of such a provider; visible to operators only
             * @default false
             */
            operators?: boolean;
        };
        /**
         * @example {
         *       "max_uses": 1,
         *       "days": 7
         *     }
         */
        NewInitialAccessToken: {
            /**
             * Format: uuid
             * @description For operators, who must name it; default: the own account
             * @example 019a7f3e-6c1b-7d52-9a54-3f1c2b7e8d90
             */
            account_id?: string;
            /**
             * @description The grant types that an application may register: authorization_code, refresh_token, client_credentials, urn:ietf:params:oauth:grant-type:device_code, urn:ietf:params:oauth:grant-type:jwt-bearer
             * @example [
             *       "authorization_code",
             *       "refresh_token"
             *     ]
             */
            grants?: string[];
            /**
             * @description The APIs that registered applications may call; empty: the default API of the instance
             * @example [
             *       "https://api.example.com"
             *     ]
             */
            apis?: string[];
            /**
             * @description The scopes that registered applications may request; null: every scope of the APIs
             * @example [
             *       "read"
             *     ]
             */
            scopes?: string[] | null;
            /**
             * @description How many applications can register with the token, 1 to 10000
             * @example 1
             */
            max_uses?: number;
            /** @description When it expires; default: 7 */
            days?: number;
        };
        /**
         * @example {
         *       "account_id": "0198a5f2-6c1e-7d3a-9a4b-2f6c8e1d5b7a",
         *       "role": "developer",
         *       "email": "ada@example.com"
         *     }
         */
        NewMembership: {
            /**
             * Format: uuid
             * @example 019a7f3e-6c1b-7d52-9a54-3f1c2b7e8d90
             */
            account_id: string;
            /**
             * @description A member signs in to applications, a viewer also sees what the account has, a developer also has key pairs and manages applications, an admin manages the account, and an operator the instance
             * @enum {string}
             */
            role: "member" | "viewer" | "developer" | "admin";
            /** @description The address of the user whom you mean. Another one is a `conflict`; this one counts as confirmed. */
            email?: string;
        };
        /**
         * @example {
         *       "role": "member",
         *       "days": 365
         *     }
         */
        NewScimToken: {
            /**
             * Format: uuid
             * @description For operators, who must name it; default: the own account
             * @example 019a7f3e-6c1b-7d52-9a54-3f1c2b7e8d90
             */
            account_id?: string;
            /**
             * @description A member signs in to applications, a viewer also sees what the account has, a developer also has key pairs and manages applications, an admin manages the account, and an operator the instance
             * @enum {string}
             */
            role?: "member" | "viewer" | "developer" | "admin";
            /** @description When it expires; default: 365 */
            days?: number;
        };
        /**
         * @example {
         *       "account_id": "01a22b3f-cdb6-797f-ba2f-b9501fbc02be",
         *       "issuer": "https://directory.example.com",
         *       "jwks_uri": "https://directory.example.com/jwks.json"
         *     }
         */
        NewSoftwareStatementIssuer: {
            /**
             * Format: uuid
             * @description The account of the applications that register
             * @example 019a7f3e-6c1b-7d52-9a54-3f1c2b7e8d90
             */
            account_id: string;
            /**
             * @description As in the claim iss of its software statements, compared exactly
             * @example https://directory.example.com
             */
            issuer: string;
            /**
             * @description Where the issuer publishes its public keys as a JWK set, instead of `jwks`
             * @example https://directory.example.com/jwks.json
             */
            jwks_uri?: string | null;
            /**
             * @description The grant types that an application may register: authorization_code, refresh_token, client_credentials, urn:ietf:params:oauth:grant-type:device_code, urn:ietf:params:oauth:grant-type:jwt-bearer
             * @example [
             *       "authorization_code",
             *       "refresh_token"
             *     ]
             */
            grants?: string[];
            /**
             * @description The APIs that registered applications may call; empty: the default API of the instance
             * @example [
             *       "https://api.example.com"
             *     ]
             */
            apis?: string[];
            /**
             * @description The scopes that registered applications may request; null: every scope of the APIs
             * @example [
             *       "read"
             *     ]
             */
            scopes?: string[] | null;
            /** @description Its public keys as a JWK set (RFC 7517), instead of `jwks_uri` */
            jwks?: string;
        };
        /**
         * @example {
         *       "name": "Billing system",
         *       "url": "https://example.com/webhooks/keywright"
         *     }
         */
        NewWebhook: {
            /**
             * Format: uuid
             * @description For operators; absent: the instance. Admins: the own account
             * @example 019a7f3e-6c1b-7d52-9a54-3f1c2b7e8d90
             */
            account_id?: string;
            /**
             * @description A name for people
             * @example Billing system
             */
            name: string;
            /**
             * @description The https URL that receives the events; http only for localhost
             * @example https://example.com/webhooks/keywright
             */
            url: string;
            /**
             * @description The actions of the events that it receives; null: all events
             * @default null
             * @example [
             *       "client.archived",
             *       "key_pair.generated"
             *     ]
             */
            actions?: string[] | null;
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
            /** @description Clients whose requests were refused in the last hour */
            refused_clients: components["schemas"]["BoundedCount"];
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
        /**
         * @description `unknown_client`: No client has this client ID. `client_archived`: The client is archived. Restore it to use it again. `key_pair_replaced`: The key pair was replaced by a newer one. The caller must use the new client ID and client secret. `account_disabled`: The account that owns the client is disabled. `api_disabled`: The API is disabled for the account or for the whole instance. `owner_disabled`: The user who owns the key pair is disabled. `wrong_secret`: The client secret is not one of this client. `secret_retired`: The client secret was rotated or retired. The caller must use the new one. `secret_expired`: The client secret has expired. Generate a new one. `wrong_api_key`: The client secret is right, but the x-api-key header does not hold the API key of this client. `secret_missing`: The request names the client but has no client secret. `credentials_missing`: The request has neither a client ID nor a client secret. `credentials_malformed`: The Authorization header or the client assertion is malformed or of a kind that is not supported. `assertion_invalid`: The client assertion is malformed, lacks a claim (iss, sub, aud, exp, jti), or is valid for more than five minutes. `assertion_audience`: The audience (aud) of the client assertion must be the issuer identifier alone, as a string. `assertion_expired`: The client assertion has expired. The caller signs a new one for each request; its clock may be late. `assertion_key`: No current key of the client signed the client assertion. `keys_not_fetched`: No known key of the client signed the client assertion, and the keys at its URL (jwks_uri) could not be fetched. The page of the application says why. `assertion_replayed`: The client assertion (jti) was used before. The caller signs a new one for each request. `issuer_not_trusted`: The client trusts no issuer with exactly the name in the token (iss). A slash at the end counts. `issuer_unavailable`: The keys of the trusted issuer could not be read, so the token could not be verified. Unless the cause is named, operators find it in the log of the server. Where Keywright cannot reach the issuer, paste its keys into the trust. `identity_key`: No current key of the trusted issuer signed the token. The issuer may have withdrawn the key. `identity_expired`: The token of the workload has expired. The workload must request a new one from its platform. `identity_invalid`: The token of the workload is malformed, of another type, not valid yet, valid for more than 24 hours, or lacks a claim. `identity_condition`: The token is of the trusted issuer, but a claim is not what the trust requires. The latest refused requests name the claim. `certificate_missing`: The client authenticates by a certificate in TLS, or its tokens are bound to one, and the request has none. It may have been sent past the proxy that asks for certificates. `certificate_invalid`: The certificate is malformed, not valid at this time, or not from a certificate authority (CA) that the operator trusts. `certificate_mismatch`: The certificate is not one of this client, or does not have the name that is registered for it. `network_not_allowed`: The credentials are right, but the client may not request tokens from the network of the request. `grant_type_not_allowed`: The client may not use this grant type. `grant_type_not_supported`: This server does not support the grant type. `response_type_not_allowed`: The client may not use this response type. `scope_not_allowed`: The API or the client does not have a requested scope. `api_not_allowed`: The client may not call the requested API, or the request names no API and the client has no default. `redirect_uri_mismatch`: The redirect URI is not registered for the client, or differs from the one of the authorization request. `pkce_missing`: The client must send a code challenge (PKCE), and the request has none. `pushed_request_missing`: The client must push its authorization requests (PAR), and this one was in the URL. `pkce_failed`: The code verifier does not match the code challenge of the authorization request. `code_invalid`: The authorization code or device code is unknown, expired, revoked or of another client. `code_reused`: The code was already redeemed. The tokens that it obtained are revoked. `refresh_token_invalid`: The refresh token is unknown, expired, revoked or of another client. `refresh_token_reused`: The refresh token was already redeemed. Its grant is revoked, because a copy may be stolen. `grant_invalid`: The grant of the request is invalid. `subject_token_invalid`: The token to exchange is expired, revoked, no access token of a user or, where a user or account is named, of the application itself, or bound to a key that the request does not prove. `exchange_not_allowed`: The exchange settings of the application do not allow this exchange, or the user or account that it names does not exist or is disabled. `identity_assertion_invalid`: The identity assertion is expired, not signed by the identity provider, or for another server, client or key. `identity_assertion_replayed`: The identity assertion has obtained a token before. Each obtains one. `identity_assertion_not_allowed`: The application or the identity provider does not accept identity assertions, or the user is unknown, not active in the account, or lacks a second factor. `device_code_expired`: The user did not confirm the device in time. `polling_too_fast`: The device asked for its token more often than it may. `dpop_proof_missing`: The client or the API accepts only tokens that are bound to a key, and the request has no DPoP proof. `dpop_proof_invalid`: The DPoP proof is malformed, used before, of another key, or for another URL, method or time. `dpop_nonce_missing`: The DPoP proof has no valid nonce of the server. The caller sends another proof with the nonce of the response; its first request is always refused so. `access_denied`: The user denied the request. `login_required`: The request forbids the sign-in page (prompt=none), and the user is not signed in. `consent_required`: The request forbids the consent page (prompt=none), and the user has not allowed it before. `account_selection_required`: The user belongs to several accounts and must choose one, which prompt=none forbids. The request can name it in account_id. `request_object_invalid`: The signed authorization request is malformed, expired, for another server, or not signed by a current key of the client. `request_uri_invalid`: The pushed authorization request is unknown, expired or already used. `rate_limited`: The client exceeded its rate limit. `quota_exceeded`: The client or its account has got all the tokens that its quota allows in this hour or day. `malformed_request`: A parameter is missing, malformed or given twice. `unavailable`: The database was unavailable. The caller can try again. `server_error`: The server failed. The log has the request ID. `other`: The request was refused for another reason. The log has the request ID.
         * @enum {string}
         */
        RefusalReason: "unknown_client" | "client_archived" | "key_pair_replaced" | "account_disabled" | "api_disabled" | "owner_disabled" | "wrong_secret" | "secret_retired" | "secret_expired" | "wrong_api_key" | "secret_missing" | "credentials_missing" | "credentials_malformed" | "assertion_invalid" | "assertion_audience" | "assertion_expired" | "assertion_key" | "keys_not_fetched" | "assertion_replayed" | "issuer_not_trusted" | "issuer_unavailable" | "identity_key" | "identity_expired" | "identity_invalid" | "identity_condition" | "certificate_missing" | "certificate_invalid" | "certificate_mismatch" | "network_not_allowed" | "grant_type_not_allowed" | "grant_type_not_supported" | "response_type_not_allowed" | "scope_not_allowed" | "api_not_allowed" | "redirect_uri_mismatch" | "pkce_missing" | "pushed_request_missing" | "pkce_failed" | "code_invalid" | "code_reused" | "refresh_token_invalid" | "refresh_token_reused" | "grant_invalid" | "subject_token_invalid" | "exchange_not_allowed" | "identity_assertion_invalid" | "identity_assertion_replayed" | "identity_assertion_not_allowed" | "device_code_expired" | "polling_too_fast" | "dpop_proof_missing" | "dpop_proof_invalid" | "dpop_nonce_missing" | "access_denied" | "login_required" | "consent_required" | "account_selection_required" | "request_object_invalid" | "request_uri_invalid" | "rate_limited" | "quota_exceeded" | "malformed_request" | "unavailable" | "server_error" | "other";
        RefusedClients: {
            count: components["schemas"]["BoundedCount"];
            clients: {
                /** @example kwc_0Zk3tQ9xWb7YpLr2VfHd */
                client_id: string;
                name: string;
                /** @enum {string} */
                kind: "key_pair" | "application" | "api";
                /**
                 * Format: date-time
                 * @example 2026-11-21T09:30:00.000Z
                 */
                last_at: string;
                last_reason: components["schemas"]["RefusalReason"];
            }[];
            /** @description For an operator: requests of the last day whose client id does not exist */
            unknown: {
                /**
                 * Format: date-time
                 * @example 2026-11-21T09:30:00.000Z
                 */
                at: string;
                /** @example token */
                endpoint: string;
                reason: components["schemas"]["RefusalReason"];
                ip: string;
                user_agent: string;
                /** @description The identifier of the API */
                api: string | null;
                /**
                 * Format: uuid
                 * @description As in X-Request-Id
                 * @example 019a7f3e-6c1b-7d52-9a54-3f1c2b7e8d90
                 */
                request_id: string;
                /** @description What was not as it must be, such as a claim of the token of a workload; empty: the reason says all */
                detail: string;
                claimed_id: string | null;
            }[];
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
            status: "active" | "archived" | "replaced" | "deleting";
            account_id: string | null;
            /**
             * @description By what a confidential client authenticates: a client secret, assertions signed by its private key, a certificate in TLS, or the token of an issuer that it trusts. A rotation of its credentials can change it
             * @enum {string}
             */
            auth_method: "client_secret" | "private_key_jwt" | "self_signed_tls_client_auth" | "tls_client_auth" | "workload_identity";
            /**
             * @description Where a client with auth_method private_key_jwt publishes its public keys (RFC 7591, section 2), instead of `jwks`. A change ends the present keys, and every token of the client, at once
             * @example https://app.example.com/jwks.json
             */
            jwks_uri: string | null;
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
             * @description The grant types that the application may use: authorization_code, refresh_token, client_credentials, urn:ietf:params:oauth:grant-type:device_code, urn:ietf:params:oauth:grant-type:token-exchange, urn:ietf:params:oauth:grant-type:jwt-bearer
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
             * @description The algorithm that signs ID tokens, and authorization responses (JARM)
             * @enum {string}
             */
            id_token_alg: "RS256" | "ES256";
            /** @description Whether it must meet the FAPI 2.0 Security Profile. Enabling it sets par_required and pkce_required to true, refresh_token_rotation to false, id_token_alg to ES256, and dpop to required unless tokens are bound to a certificate. Settings that contradict it are refused, and so are JWTs signed by RS256 */
            fapi2: boolean;
            /** @description Whether authorization requests must be pushed (RFC 9126, require_pushed_authorization_requests): those in a URL are refused */
            par_required: boolean;
            /** @description Whether authorization requests must be signed request objects (RFC 9101, require_signed_request_object), pushed or in the URL. Only for clients with the authentication method private_key_jwt, whose keys sign them */
            request_objects_required: boolean;
            /** @description Whether authorization responses must be signed (JARM): a request needs a response_mode that is jwt or ends in .jwt, and errors are signed too. The algorithm is id_token_alg */
            signed_responses_required: boolean;
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
            /**
             * @description In seconds, from the issuance: the same client_credentials request receives the same access token; null: a new token each time
             * @example 300
             */
            reuse_window: number | null;
            /**
             * @description Networks in CIDR notation that token requests may come from; null: any network. Removing a network revokes the access tokens
             * @example [
             *       "192.0.2.0/24"
             *     ]
             */
            allowed_networks: string[] | null;
            /** @description Accept client credentials in the query string, where logs may record them */
            query_credentials: boolean;
            /** @description Issue a refresh token for client_credentials */
            client_credentials_refresh: boolean;
            /** @description Accept assertions of private_key_jwt whose audience is the URL of an endpoint, or a list of the issuer and such URLs */
            endpoint_audiences: boolean;
            /** @description Require an API key in the x-api-key header */
            api_key_required: boolean;
            /** @description Whether access tokens are bound to the certificate of the TLS connection (RFC 8705, tls_client_certificate_bound_access_tokens); tokens that were issued before stay unbound */
            certificate_bound_access_tokens: boolean;
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
             * @description The most access tokens that the application gets in one hour (UTC); null: no quota; visible to operators only
             * @example 1000
             */
            quota_per_hour?: number | null;
            /**
             * @description The most access tokens that the application gets in one day (UTC); null: no quota; visible to operators only
             * @example 10000
             */
            quota_per_day?: number | null;
            /**
             * @description enforce: token requests beyond the quota get status 429; observe: they are issued and counted; visible to operators only
             * @enum {string}
             */
            quota_mode?: "enforce" | "observe";
            /**
             * @description Whether the application may act for users, for itself, or both; visible to operators only
             * @enum {string}
             */
            access_type?: "both" | "user" | "client";
            /**
             * @description Whether each token request needs a DPoP proof (RFC 9449, dpop_bound_access_tokens), so that no token is issued without a key; tokens that were issued before stay unbound. nonce: each proof at Keywright’s endpoints must also have a nonce of the server (section 8)
             * @enum {string}
             */
            dpop: "optional" | "required" | "nonce";
            /**
             * @description Client IDs of the applications whose tokens of users the application may exchange (RFC 8693); null: none. Removing one revokes the exchanged tokens
             * @example [
             *       "kwc_2Ew9fTbnCN0ZPqTtGKsu"
             *     ]
             */
            exchange_from: string[] | null;
            /**
             * @description The scopes that exchanged tokens may have, of those of the application and of the token that they are exchanged for; null: all of these
             * @example [
             *       "read"
             *     ]
             */
            exchange_scopes: string[] | null;
            /**
             * @description In seconds: the greatest lifetime of exchanged tokens; null: 1 hour
             * @example 300
             */
            exchange_ttl: number | null;
            /**
             * @description APIs for which the application may exchange tokens of other APIs; null: only the API of the token that is exchanged; visible to operators only
             * @example [
             *       "https://api.example.com"
             *     ]
             */
            exchange_apis?: string[] | null;
            /**
             * @description Account IDs, or `any`: the application may exchange its own token for one of any user of these accounts, without their consent (RFC 8693); null: none. Removing one revokes the exchanged tokens; visible to operators only
             * @example [
             *       "any"
             *     ]
             */
            exchange_accounts?: string[] | null;
            /**
             * @description Account IDs, or `any`: the application may exchange its own token for one that acts for one of these accounts, without a user (RFC 8693); null: none. Removing one revokes the exchanged tokens; visible to operators only
             * @example [
             *       "any"
             *     ]
             */
            exchange_without_user?: string[] | null;
            /** @description The application obtains access tokens for users by assertions of the identity provider of their account (Identity Assertion JWT Authorization Grant), with the grant type `urn:ietf:params:oauth:grant-type:jwt-bearer`. Switching it off revokes these tokens */
            identity_assertions: boolean;
            /** @description Shown on the allow/deny page, and on the sign-in page if the application is verified; null: no logo */
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
             * @description The colour of buttons and links on the sign-in and allow/deny pages; null: that of the instance
             * @example #0a7d4f
             */
            accent: string | null;
            /** @description Whether an operator has checked who runs the application; the sign-in page then shows its logo too; visible to operators only */
            is_verified?: boolean;
            /**
             * @description The home page of the application, linked from the allow/deny page (RFC 7591, section 2); https only
             * @example https://app.example.com/
             */
            client_uri: string | null;
            /**
             * @description The privacy policy, linked from the allow/deny page (RFC 7591, section 2); https only
             * @example https://app.example.com/privacy
             */
            policy_uri: string | null;
            /**
             * @description The terms of service, linked from the allow/deny page (RFC 7591, section 2); https only
             * @example https://app.example.com/terms
             */
            tos_uri: string | null;
            /**
             * @description The company's own ID of the application: at most 200 visible ASCII characters, unique in the instance; null: none; visible to operators only
             * @example cus_8Jx2
             */
            external_id?: string | null;
            /**
             * @description A JSON object for the company's own use, at most 4096 bytes and 4 levels; a change replaces all of it; visible to operators only
             * @example {
             *       "plan": "gold"
             *     }
             */
            metadata?: {
                [key: string]: unknown;
            };
            /**
             * @description What FAPI 2.0 requires of it, with the standard that describes each; empty: fapi2 is off
             * @example [
             *       {
             *         "requirement": "Pushed authorization requests (PAR)",
             *         "reference": "RFC 9126"
             *       }
             *     ]
             */
            fapi2_requirements: {
                requirement: string;
                reference: string;
            }[];
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
        RevocationEffect: {
            /** @example kwc_0Zk3tQ9xWb7YpLr2VfHd */
            client_id: string;
            /** @description Null: not in the last 30 days */
            revoked_at: string | null;
            /** @description The key pair that replaced this one */
            successor: string | null;
            /** @description Callers of the last day before the revocation, at most 50 */
            callers: components["schemas"]["AffectedCaller"][];
            apis: components["schemas"]["AffectedApi"][];
        };
        RevocationFollower: {
            /**
             * @description How it learns of revocations
             * @enum {string}
             */
            way: "feed" | "list" | "introspection";
            /** @description The address of the resource server, or of a cache before it */
            ip: string;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            last_seen_at: string;
        };
        Revoked: {
            /**
             * @description How many valid tokens this request revoked; null: too many to count
             * @example 2
             */
            revoked: number | null;
        };
        RevokedSigningKey: {
            kid: string;
            /** @enum {string} */
            alg: "ES256" | "RS256" | "PS256" | "EdDSA";
            /** @constant */
            state: "revoked";
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
            /** @description When the key started or starts to sign; null: not scheduled */
            signs_from: string | null;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            revoked_at: string;
            /** @description ID of the key that signs instead; null: the revoked key was not the current one */
            successor: string | null;
            /** @description Nodes that did not confirm in time that they no longer publish the key; 0: every node did; null: not known. With an Idempotency-Key, the response does not wait for the nodes */
            pending_nodes: number | null;
        };
        ScimToken: {
            /**
             * Format: uuid
             * @example 019a7f3e-6c1b-7d52-9a54-3f1c2b7e8d90
             */
            id: string;
            /**
             * Format: uuid
             * @example 019a7f3e-6c1b-7d52-9a54-3f1c2b7e8d90
             */
            account_id: string;
            last_four: string;
            /**
             * @description The role of users whom the identity provider adds without one
             * @enum {string}
             */
            role: "member" | "viewer" | "developer" | "admin";
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            expires_at: string;
            /** @description To the minute; null: never */
            last_used_at: string | null;
        };
        ScimTokenWithSecret: {
            scim_token: components["schemas"]["ScimToken"];
            /** @description Shown only in this response */
            token: string;
        };
        SecretCaller: {
            ip: string;
            /** @description The API that the caller got tokens for; null: no token */
            api: string | null;
            user_agent: string;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            first_used_at: string;
            /**
             * Format: date-time
             * @description With a precision of five minutes
             * @example 2026-11-21T09:30:00.000Z
             */
            last_used_at: string;
        };
        /**
         * @example {
         *       "retire_unused_hours": 24
         *     }
         */
        SecretRetirement: {
            /**
             * @description The previous secret also stops working after so many hours without a use; null: it does not
             * @example 24
             */
            retire_unused_hours: number | null;
            /**
             * Format: date-time
             * @description The latest end; it can only become earlier
             * @example 2026-12-31T00:00:00Z
             */
            retires_at?: string;
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
            /**
             * @description The previous secret also stops working after so many hours without a use; null: it does not
             * @example 24
             */
            retire_unused_hours?: number | null;
            /**
             * @description When the new secret expires; default: after the longest lifetime that the account and the APIs allow
             * @example 2099-12-31T00:00:00Z
             */
            expires_at?: string | null;
            /** @description For auth_method workload_identity: an issuer, and which of its tokens prove the application */
            trust?: components["schemas"]["Trust"];
            /** @description The public keys of an application with auth_method private_key_jwt: a JWK set (RFC 7517), or a text with PEM blocks, which are public keys or certificates; or a JWK set with certificates (x5c) for self_signed_tls_client_auth */
            jwks?: {
                keys: {
                    [key: string]: unknown;
                }[];
            } | string;
            /** @description Certificates in PEM, for auth_method self_signed_tls_client_auth */
            certificates?: string;
            /**
             * @description The subject of the certificates (RFC 4514), compared exactly; tls_client_auth needs one of the names that begin with tls_client_auth
             * @example CN=client,O=Example,C=DE
             */
            tls_client_auth_subject_dn?: string;
            /**
             * @description A DNS name of the certificates
             * @example client.example.com
             */
            tls_client_auth_san_dns?: string;
            /**
             * @description A URI of the certificates
             * @example spiffe://example.com/client
             */
            tls_client_auth_san_uri?: string;
            /**
             * @description An IP address of the certificates
             * @example 192.0.2.7
             */
            tls_client_auth_san_ip?: string;
            /**
             * @description An email address of the certificates
             * @example client@example.com
             */
            tls_client_auth_san_email?: string;
            /**
             * @description How the application authenticates from now on, with the credentials that this needs; default: as before. The earlier credentials end after the overlap, certificates at once
             * @enum {string}
             */
            auth_method?: "client_secret" | "private_key_jwt" | "self_signed_tls_client_auth" | "tls_client_auth" | "workload_identity";
            /**
             * @description Where the application publishes its public keys from now on, instead of jwks; without both, an application with jwks_uri keeps it, and its keys are fetched anew
             * @example https://app.example.com/jwks.json
             */
            jwks_uri?: string;
        };
        /**
         * @example {
         *       "user": {
         *         "external_id": "usr_17",
         *         "email": "ada@example.com",
         *         "role": "admin"
         *       },
         *       "account": "cus_8Jx2",
         *       "amr": [
         *         "pwd"
         *       ]
         *     }
         */
        SignInAcceptance: {
            user: {
                /** @description The ID of a user here, in place of `external_id` */
                id?: string;
                /**
                 * @description Your own ID of the user
                 * @example usr_17
                 */
                external_id?: string;
                /**
                 * @description With an address, the user is created, or updated by `external_id`
                 * @example ada@example.com
                 */
                email?: string;
                /**
                 * @description The full name of the user; null: unknown
                 * @example Ada Lovelace
                 */
                name?: string | null;
                /**
                 * @description Absent: the present role; a new user becomes a member
                 * @enum {string}
                 */
                role?: "member" | "viewer" | "developer" | "admin";
            };
            /**
             * @description The ID or the external ID of the account in which the user signs in; required for a new user. Absent: the first account of the user
             * @example cus_8Jx2
             */
            account?: string;
            /**
             * @description The session stays in the account, and cannot change the password, second factors or address of the user
             * @default false
             */
            account_fixed?: boolean;
            /** @description The authentication context class, if the instance believes it (`sign_in_url_mfa`) */
            acr?: string;
            /**
             * @description How the user signed in (RFC 8176); `mfa` counts if the instance believes it
             * @default []
             */
            amr?: string[];
            /**
             * @description When the user last proved who they are at your product, in seconds since 1970; required if the challenge has `prompt` or `max_age`. Absent: now
             * @example 1764450000
             */
            auth_time?: number;
        };
        SignInChallenge: {
            /** @description The application that requests the sign-in; null: the console */
            application: {
                client_id: string;
                name: string;
            } | null;
            /** @description The user who is signed in here and must sign in again; null: nobody */
            user: {
                /**
                 * Format: uuid
                 * @example 019a7f3e-6c1b-7d52-9a54-3f1c2b7e8d90
                 */
                id: string;
                external_id: string | null;
            } | null;
            /** @description `login`: ask the user to sign in although your product has a session of theirs */
            prompt: "login" | null;
            /** @description The sign-in at your product must not be older than this, in seconds; null: no limit */
            max_age: number | null;
            /** @description From the request of the application: not verified */
            login_hint: string | null;
            /** @description Preferred languages (BCP 47), the most preferred first */
            ui_locales: string[];
            /** @description The requested authentication context classes */
            acr_values: string[];
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            expires_at: string;
        };
        /**
         * @example {
         *       "error": "access_denied"
         *     }
         */
        SignInRejection: {
            /**
             * @description The error that the application receives
             * @default access_denied
             * @enum {string}
             */
            error?: "access_denied" | "login_required" | "account_selection_required" | "temporarily_unavailable";
            /** @description For the developers of the application: ASCII, without quotation marks or backslashes */
            error_description?: string;
        };
        SigningKey: {
            kid: string;
            /** @enum {string} */
            alg: "ES256" | "RS256" | "PS256" | "EdDSA";
            /** @enum {string} */
            state: "next" | "current" | "previous" | "revoked";
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
            /** @description When the key started or starts to sign; null: not scheduled */
            signs_from: string | null;
            /** @description When the key was revoked; null: it is published and not revoked */
            revoked_at: string | null;
        };
        /** @description What the revocation would affect. Nothing was changed */
        SigningKeyDryRun: {
            /** @constant */
            dry_run: true;
            kid: string;
            /** @enum {string} */
            alg: "ES256" | "RS256" | "PS256" | "EdDSA";
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
            /** @enum {string} */
            state: "next" | "current" | "previous";
            /** @description Valid access tokens that would be revoked; null: too many to count in time */
            access_tokens: components["schemas"]["BoundedCount"] | null;
            /** @description The key that would sign instead; null: the key is not the current one */
            successor: {
                /** @description Null: a new key */
                kid: string | null;
                /** @description It was published less than a minute ago: resource servers that cache the key set may refuse its tokens until they fetch the key set again */
                is_recent: boolean;
            } | null;
            /** @description The APIs that accept these tokens; null: too many tokens to count in time */
            apis: {
                identifier: string;
                access_tokens: components["schemas"]["BoundedCount"];
                /**
                 * Format: date-time
                 * @description When the last of the counted tokens expires
                 * @example 2026-11-21T09:30:00.000Z
                 */
                last_expires_at: string;
                /** @description Who follows revocations, the latest first */
                followers: {
                    /** @enum {string} */
                    way: "introspection" | "feed" | "list";
                    ip: string;
                    /**
                     * Format: date-time
                     * @example 2026-11-21T09:30:00.000Z
                     */
                    last_seen_at: string;
                }[];
            }[] | null;
        };
        SoftwareStatementIssuer: {
            /**
             * Format: uuid
             * @example 019a7f3e-6c1b-7d52-9a54-3f1c2b7e8d90
             */
            id: string;
            /**
             * Format: uuid
             * @description The account of the applications that register
             * @example 019a7f3e-6c1b-7d52-9a54-3f1c2b7e8d90
             */
            account_id: string;
            /**
             * @description As in the claim iss of its software statements, compared exactly
             * @example https://directory.example.com
             */
            issuer: string;
            /**
             * @description Where the issuer publishes its public keys as a JWK set, instead of `jwks`
             * @example https://directory.example.com/jwks.json
             */
            jwks_uri: string | null;
            /**
             * @description The grant types that an application may register: authorization_code, refresh_token, client_credentials, urn:ietf:params:oauth:grant-type:device_code, urn:ietf:params:oauth:grant-type:jwt-bearer
             * @example [
             *       "authorization_code",
             *       "refresh_token"
             *     ]
             */
            grants: string[];
            /**
             * @description The APIs that registered applications may call; empty: the default API of the instance
             * @example [
             *       "https://api.example.com"
             *     ]
             */
            apis: string[];
            /**
             * @description The scopes that registered applications may request; null: every scope of the APIs
             * @example [
             *       "read"
             *     ]
             */
            scopes: string[] | null;
            /** @description Its public keys (RFC 7517); null: they are read at `jwks_uri` */
            jwks: {
                [key: string]: unknown;
            }[] | null;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
            /** @description Null: never */
            last_used_at: string | null;
        };
        SoftwareStatementIssuerDetails: {
            /**
             * Format: uuid
             * @example 019a7f3e-6c1b-7d52-9a54-3f1c2b7e8d90
             */
            id: string;
            /**
             * Format: uuid
             * @description The account of the applications that register
             * @example 019a7f3e-6c1b-7d52-9a54-3f1c2b7e8d90
             */
            account_id: string;
            /**
             * @description As in the claim iss of its software statements, compared exactly
             * @example https://directory.example.com
             */
            issuer: string;
            /**
             * @description Where the issuer publishes its public keys as a JWK set, instead of `jwks`
             * @example https://directory.example.com/jwks.json
             */
            jwks_uri: string | null;
            /**
             * @description The grant types that an application may register: authorization_code, refresh_token, client_credentials, urn:ietf:params:oauth:grant-type:device_code, urn:ietf:params:oauth:grant-type:jwt-bearer
             * @example [
             *       "authorization_code",
             *       "refresh_token"
             *     ]
             */
            grants: string[];
            /**
             * @description The APIs that registered applications may call; empty: the default API of the instance
             * @example [
             *       "https://api.example.com"
             *     ]
             */
            apis: string[];
            /**
             * @description The scopes that registered applications may request; null: every scope of the APIs
             * @example [
             *       "read"
             *     ]
             */
            scopes: string[] | null;
            /** @description Its public keys (RFC 7517); null: they are read at `jwks_uri` */
            jwks: {
                [key: string]: unknown;
            }[] | null;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
            /** @description Null: never */
            last_used_at: string | null;
            /** @description Why its keys could not be read at the last attempt; null: they could, or were not needed */
            failure: string | null;
            /** @description The applications that registered by its statements */
            registered: components["schemas"]["BoundedCount"];
            /** @description The newest of them, at most 100 */
            applications: {
                client_id: string;
                name: string;
                /** @enum {string} */
                status: "active" | "archived";
                /**
                 * Format: date-time
                 * @example 2026-11-21T09:30:00.000Z
                 */
                created_at: string;
            }[];
        };
        StoppedKeyPair: {
            /** @example kwc_0Zk3tQ9xWb7YpLr2VfHd */
            client_id: string;
            /** @enum {string} */
            status: "active" | "archived" | "replaced" | "deleting";
            /**
             * @description How many valid tokens this request revoked; null: too many to count
             * @example 2
             */
            revoked: number | null;
        };
        /** @description A client secret or API key without its value, which is shown only once */
        StoredSecret: {
            /** @description Identifies the secret in requests that revoke it */
            id: number;
            /**
             * @description key: a public key, for private_key_jwt; certificate: a certificate, or the name of certificates, for TLS; trust: an issuer with conditions, for workload_identity
             * @enum {string}
             */
            kind: "secret" | "api_key" | "key" | "certificate" | "trust";
            last_four: string;
            /** @description Of a certificate: its subject, or the name that certificates must have; null: no certificate */
            certificate_subject: string | null;
            /** @description Of a trust: the issuer, and what its tokens must be; null: no trust */
            trust: {
                issuer: string;
                audience: string | null;
                conditions: {
                    claim: string;
                    any_of: string[];
                }[];
                single_use: boolean;
                /** @description The keys of the issuer are part of the trust, and not read from it */
                has_keys: boolean;
            } | null;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
            /** @description When the secret stops working; null: it has no end */
            retires_at: string | null;
            /** @description When the secret expires; it may stop working earlier */
            expires_at: string | null;
            /** @description The secret also stops working after so many hours without a use; null: it does not */
            retire_unused_hours: number | null;
            /** @description Whether no newer secret of its kind replaced it; the public keys of one set do not replace each other */
            is_current: boolean;
            last_used_at: string | null;
            last_used_ip: string | null;
            last_used_api: string | null;
        };
        /**
         * @example {
         *       "issuer": "https://token.actions.githubusercontent.com",
         *       "conditions": [
         *         {
         *           "claim": "repository",
         *           "any_of": [
         *             "octo-org/app"
         *           ]
         *         }
         *       ]
         *     }
         */
        Trust: {
            /** @description As in the claim iss, compared exactly */
            issuer: string;
            /** @description The claim aud, alone; default: the issuer identifier of this server */
            audience?: string | null;
            /** @description All must be met, each by one of its patterns, in which * stands for any text */
            conditions: {
                claim: string;
                any_of: string[];
            }[];
            /** @description Whether each token is accepted once (jti) */
            single_use?: boolean;
            /** @description The public keys of an issuer that this server cannot reach */
            jwks?: {
                keys: {
                    [key: string]: unknown;
                }[];
            } | string;
        };
        /**
         * @example {
         *       "trust": {
         *         "issuer": "https://token.actions.githubusercontent.com",
         *         "conditions": [
         *           {
         *             "claim": "repository",
         *             "any_of": [
         *               "octo-org/app"
         *             ]
         *           }
         *         ]
         *       }
         *     }
         */
        TrustAddition: {
            trust: components["schemas"]["Trust"];
            /**
             * @description When the new secret expires; default: after the longest lifetime that the account and the APIs allow
             * @example 2099-12-31T00:00:00Z
             */
            expires_at?: string | null;
        };
        /**
         * @example {
         *       "conditions": [
         *         {
         *           "claim": "repository",
         *           "any_of": [
         *             "octo-org/app"
         *           ]
         *         }
         *       ]
         *     }
         */
        TrustChange: {
            /** @description The claim aud, alone; default: the issuer identifier of this server */
            audience?: string | null;
            /** @description All must be met, each by one of its patterns, in which * stands for any text */
            conditions?: {
                claim: string;
                any_of: string[];
            }[];
            /** @description Whether each token is accepted once (jti) */
            single_use?: boolean;
            /** @description The public keys of an issuer that this server cannot reach; null: they are read from the issuer */
            jwks?: ({
                keys: {
                    [key: string]: unknown;
                }[];
            } | string) | null;
        };
        TrustComparison: {
            /** @description The trust, as in the secrets of the application */
            id: number;
            issuer: string;
            /** @description Null: the issuer identifier of this server */
            audience: string | null;
            /** @description Whether the issuer signed the token and each claim is met */
            is_met: boolean;
            /** @description Why a request with the token is refused; null: it is met */
            reason: ("unknown_client" | "client_archived" | "key_pair_replaced" | "account_disabled" | "api_disabled" | "owner_disabled" | "wrong_secret" | "secret_retired" | "secret_expired" | "wrong_api_key" | "secret_missing" | "credentials_missing" | "credentials_malformed" | "assertion_invalid" | "assertion_audience" | "assertion_expired" | "assertion_key" | "keys_not_fetched" | "assertion_replayed" | "issuer_not_trusted" | "issuer_unavailable" | "identity_key" | "identity_expired" | "identity_invalid" | "identity_condition" | "certificate_missing" | "certificate_invalid" | "certificate_mismatch" | "network_not_allowed" | "grant_type_not_allowed" | "grant_type_not_supported" | "response_type_not_allowed" | "scope_not_allowed" | "api_not_allowed" | "redirect_uri_mismatch" | "pkce_missing" | "pushed_request_missing" | "pkce_failed" | "code_invalid" | "code_reused" | "refresh_token_invalid" | "refresh_token_reused" | "grant_invalid" | "subject_token_invalid" | "exchange_not_allowed" | "identity_assertion_invalid" | "identity_assertion_replayed" | "identity_assertion_not_allowed" | "device_code_expired" | "polling_too_fast" | "dpop_proof_missing" | "dpop_proof_invalid" | "dpop_nonce_missing" | "access_denied" | "login_required" | "consent_required" | "account_selection_required" | "request_object_invalid" | "request_uri_invalid" | "rate_limited" | "quota_exceeded" | "malformed_request" | "unavailable" | "server_error" | "other") | null;
            /** @description Why the token could not be verified */
            failure: string | null;
            /** @description Empty if the token could not be verified */
            checks: components["schemas"]["WorkloadTokenClaim"][];
        };
        UpdatedTrust: {
            /** @description The ID of the trust from now on */
            id: number;
            /** @description Whether the tokens that it had obtained are revoked */
            tokens_revoked: boolean;
        };
        UpsertedLine: {
            /** @description The number of the line in the request; the first is 1 */
            line: number;
            /** @enum {string} */
            status: "created" | "updated" | "unchanged" | "failed";
            /**
             * Format: uuid
             * @example 019a7f3e-6c1b-7d52-9a54-3f1c2b7e8d90
             */
            id?: string;
            external_id?: string;
            /** @description Of a line that failed */
            problem?: {
                /**
                 * Format: uri
                 * @example urn:keywright:error:not_found
                 */
                type: string;
                title: string;
                status: number;
                detail: string;
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
             * @description The language of the pages and e-mails for the user (BCP 47), which the user can select too; applications receive it as the claim `locale`; null: no preference
             * @example de
             */
            language: ("en" | "de" | "fr" | "es" | "pt" | "ja" | "ar") | null;
            /**
             * @description The company's own ID of the user: at most 200 visible ASCII characters, unique in the instance; null: none; visible to operators only
             * @example cus_8Jx2
             */
            external_id?: string | null;
            /**
             * @description A JSON object for the company's own use, at most 4096 bytes and 4 levels; a change replaces all of it; visible to operators only
             * @example {
             *       "plan": "gold"
             *     }
             */
            metadata?: {
                [key: string]: unknown;
            };
            /**
             * @description A member signs in to applications, a viewer also sees what the account has, a developer also has key pairs and manages applications, an admin manages the account, and an operator the instance
             * @enum {string}
             */
            role: "member" | "viewer" | "developer" | "admin" | "operator";
            /**
             * @description disabled: the user cannot sign in, and all their tokens are revoked; deleting: disabled, and being deleted
             * @enum {string}
             */
            status: "active" | "disabled" | "deleting";
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
             * @description The language of the pages and e-mails for the user (BCP 47), which the user can select too; applications receive it as the claim `locale`; null: no preference
             * @example de
             */
            language?: ("en" | "de" | "fr" | "es" | "pt" | "ja" | "ar") | null;
            /**
             * @description The company's own ID of the user: at most 200 visible ASCII characters, unique in the instance; null: none; visible to operators only
             * @example cus_8Jx2
             */
            external_id?: string | null;
            /**
             * @description A JSON object for the company's own use, at most 4096 bytes and 4 levels; a change replaces all of it; visible to operators only
             * @example {
             *       "plan": "gold"
             *     }
             */
            metadata?: {
                [key: string]: unknown;
            };
            /**
             * @description A member signs in to applications, a viewer also sees what the account has, a developer also has key pairs and manages applications, an admin manages the account, and an operator the instance
             * @enum {string}
             */
            role?: "member" | "viewer" | "developer" | "admin";
        };
        UserData: {
            /** @enum {string} */
            kind: "profile" | "membership" | "identity" | "passkey" | "second_factor" | "session" | "consent" | "grant" | "key_pair" | "identity_provider" | "application" | "activity";
            data: {
                [key: string]: unknown;
            };
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
             * @description The language of the pages and e-mails for the user (BCP 47), which the user can select too; applications receive it as the claim `locale`; null: no preference
             * @example de
             */
            language: ("en" | "de" | "fr" | "es" | "pt" | "ja" | "ar") | null;
            /**
             * @description The company's own ID of the user: at most 200 visible ASCII characters, unique in the instance; null: none; visible to operators only
             * @example cus_8Jx2
             */
            external_id?: string | null;
            /**
             * @description A JSON object for the company's own use, at most 4096 bytes and 4 levels; a change replaces all of it; visible to operators only
             * @example {
             *       "plan": "gold"
             *     }
             */
            metadata?: {
                [key: string]: unknown;
            };
            /**
             * @description A member signs in to applications, a viewer also sees what the account has, a developer also has key pairs and manages applications, an admin manages the account, and an operator the instance
             * @enum {string}
             */
            role: "member" | "viewer" | "developer" | "admin" | "operator";
            /**
             * @description disabled: the user cannot sign in, and all their tokens are revoked; deleting: disabled, and being deleted
             * @enum {string}
             */
            status: "active" | "disabled" | "deleting";
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
            /** @description The default key pair of the user */
            key_pair: string | null;
            /** @description Active named key pairs */
            named_key_pairs: number;
            /** @description Authenticator apps that the user signs in with */
            authenticator_apps: number;
            /** @description Passkeys that the user signs in with */
            passkeys: number;
            /** @description Unused recovery codes */
            recovery_codes: number;
            /** @description Applications that the user gave consent to */
            applications: number;
            own_tokens: components["schemas"]["BoundedCount"];
            application_tokens: components["schemas"]["BoundedCount"];
            /** @description The user is the last active admin of the account */
            is_last_admin: boolean;
        };
        UserIdentity: {
            /**
             * Format: uuid
             * @example 019a7f3e-6c1b-7d52-9a54-3f1c2b7e8d90
             */
            id: string;
            /**
             * Format: uuid
             * @example 019a7f3e-6c1b-7d52-9a54-3f1c2b7e8d90
             */
            provider_id: string;
            provider_name: string;
            /** @description The claim `sub` of the provider */
            subject: string;
            /** @description What the provider calls the user: an address or a user name, as of the last sign-in */
            username: string | null;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
            /** @description null: never */
            last_used_at: string | null;
        };
        /**
         * @example {
         *       "external_id": "usr_17",
         *       "email": "ada@example.com",
         *       "account_id": null,
         *       "role": "operator"
         *     }
         */
        UserLine: {
            /**
             * @description Your own ID, percent-encoded
             * @example cus_8Jx2
             */
            external_id: string;
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
             * @description The language of the pages and e-mails for the user (BCP 47), which the user can select too; applications receive it as the claim `locale`; null: no preference
             * @example de
             */
            language?: ("en" | "de" | "fr" | "es" | "pt" | "ja" | "ar") | null;
            /**
             * @description A JSON object for the company's own use, at most 4096 bytes and 4 levels; a change replaces all of it; visible to operators only
             * @example {
             *       "plan": "gold"
             *     }
             */
            metadata?: {
                [key: string]: unknown;
            };
            /**
             * @description Absent: the present role; a new user becomes a member
             * @enum {string}
             */
            role?: "member" | "viewer" | "developer" | "admin" | "operator";
            /** @description The account of a new user, required unless the role is operator; it cannot change */
            account_id?: string | null;
        };
        UserSession: {
            /**
             * Format: uuid
             * @description Names the session; it is not the value of its cookie
             * @example 019a7f3e-6c1b-7d52-9a54-3f1c2b7e8d90
             */
            id: string;
            /**
             * @description As its User-Agent says; null: unknown
             * @example Firefox
             */
            browser: string | null;
            /**
             * @description The operating system; null: unknown
             * @example Windows
             */
            system: string | null;
            /** @description The IP address of the last recorded request */
            address: string | null;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            signed_in_at: string;
            /**
             * Format: date-time
             * @description To within a few minutes
             * @example 2026-11-21T09:30:00.000Z
             */
            last_used_at: string;
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
             * @description The language of the pages and e-mails for the user (BCP 47), which the user can select too; applications receive it as the claim `locale`; null: no preference
             * @example de
             */
            language: ("en" | "de" | "fr" | "es" | "pt" | "ja" | "ar") | null;
            /**
             * @description The company's own ID of the user: at most 200 visible ASCII characters, unique in the instance; null: none; visible to operators only
             * @example cus_8Jx2
             */
            external_id?: string | null;
            /**
             * @description A JSON object for the company's own use, at most 4096 bytes and 4 levels; a change replaces all of it; visible to operators only
             * @example {
             *       "plan": "gold"
             *     }
             */
            metadata?: {
                [key: string]: unknown;
            };
            /**
             * @description A member signs in to applications, a viewer also sees what the account has, a developer also has key pairs and manages applications, an admin manages the account, and an operator the instance
             * @enum {string}
             */
            role: "member" | "viewer" | "developer" | "admin" | "operator";
            /**
             * @description disabled: the user cannot sign in, and all their tokens are revoked; deleting: disabled, and being deleted
             * @enum {string}
             */
            status: "active" | "disabled" | "deleting";
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
        /**
         * @example {
         *       "email": "ada@example.com",
         *       "role": "operator"
         *     }
         */
        UserUpsert: {
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
             * @description The language of the pages and e-mails for the user (BCP 47), which the user can select too; applications receive it as the claim `locale`; null: no preference
             * @example de
             */
            language?: ("en" | "de" | "fr" | "es" | "pt" | "ja" | "ar") | null;
            /**
             * @description A JSON object for the company's own use, at most 4096 bytes and 4 levels; a change replaces all of it; visible to operators only
             * @example {
             *       "plan": "gold"
             *     }
             */
            metadata?: {
                [key: string]: unknown;
            };
            /**
             * @description Absent: the present role; a new user becomes a member
             * @enum {string}
             */
            role?: "member" | "viewer" | "developer" | "admin" | "operator";
            /** @description The account of a new user, required unless the role is operator; it cannot change */
            account_id?: string | null;
        };
        Webhook: {
            /**
             * Format: uuid
             * @example 019a7f3e-6c1b-7d52-9a54-3f1c2b7e8d90
             */
            id: string;
            /** @description null: of the instance, it receives the events of all accounts */
            account_id: string | null;
            /**
             * @description A name for people
             * @example Billing system
             */
            name: string;
            /**
             * @description The https URL that receives the events; http only for localhost
             * @example https://example.com/webhooks/keywright
             */
            url: string;
            /**
             * @description The actions of the events that it receives; null: all events
             * @example [
             *       "client.archived",
             *       "key_pair.generated"
             *     ]
             */
            actions: string[] | null;
            /**
             * @description disabled: it receives nothing; events that occur meanwhile are not delivered later
             * @enum {string}
             */
            status: "enabled" | "disabled";
            /** @description Why it is disabled: by_user; failing (no successful delivery for five days); gone (a response 410); null: it is enabled */
            disabled_reason: ("by_user" | "failing" | "gone") | null;
            disabled_at: string | null;
            /** @description The first failed attempt since the last successful one; null: the last attempt succeeded */
            failing_since: string | null;
            /** @description Until then, the previous secret signs too; null: there is none */
            previous_secret_expires_at: string | null;
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
         *       "actions": [
         *         "client.archived"
         *       ]
         *     }
         */
        WebhookChange: {
            /**
             * @description A name for people
             * @example Billing system
             */
            name?: string;
            /**
             * @description The https URL that receives the events; http only for localhost
             * @example https://example.com/webhooks/keywright
             */
            url?: string;
            /**
             * @description The actions of the events that it receives; null: all events
             * @example [
             *       "client.archived",
             *       "key_pair.generated"
             *     ]
             */
            actions?: string[] | null;
        };
        WebhookDelivery: {
            /**
             * Format: uuid
             * @example 019a7f3e-6c1b-7d52-9a54-3f1c2b7e8d90
             */
            id: string;
            /** @description The event in the activity log; null: a test */
            event_id: string | null;
            /** @example client.archived */
            action: string;
            /** @enum {string} */
            state: "pending" | "delivered" | "failed";
            attempts: number;
            /**
             * @description The status of the last response, or why there was none; null: not attempted yet
             * @example 200
             */
            last_result: string | null;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
            finished_at: string | null;
            /** @description Of a pending delivery; null: an earlier event of the same object is sent first */
            next_attempt_at: string | null;
        };
        WebhookDeliveryDetails: {
            /**
             * Format: uuid
             * @example 019a7f3e-6c1b-7d52-9a54-3f1c2b7e8d90
             */
            id: string;
            /** @description The event in the activity log; null: a test */
            event_id: string | null;
            /** @example client.archived */
            action: string;
            /** @enum {string} */
            state: "pending" | "delivered" | "failed";
            attempts: number;
            /**
             * @description The status of the last response, or why there was none; null: not attempted yet
             * @example 200
             */
            last_result: string | null;
            /**
             * Format: date-time
             * @example 2026-11-21T09:30:00.000Z
             */
            created_at: string;
            finished_at: string | null;
            /** @description Of a pending delivery; null: an earlier event of the same object is sent first */
            next_attempt_at: string | null;
            /** @description The last 30 attempts, the earliest first */
            attempt_log: {
                /**
                 * Format: date-time
                 * @example 2026-11-21T09:30:00.000Z
                 */
                at: string;
                /** @description In milliseconds */
                duration: number;
                /** @description Of the response; null: there was none */
                status: number | null;
                error: string | null;
                /** @description The beginning of the response body; null: there was no response, or it is not kept */
                response: string | null;
            }[];
            /** @description The JSON that is sent; null: the event was deleted from the activity log */
            message: string | null;
        };
        WebhookWithSecret: {
            webhook: components["schemas"]["Webhook"];
            /**
             * @description The signing secret (Standard Webhooks); shown only in this response
             * @example whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oDazfgh0xDmZE=
             */
            secret: string;
        };
        /**
         * @example {
         *       "token": "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJodHRwczovL3Rva2VuLmFjdGlvbnMuZ2l0aHVidXNlcmNvbnRlbnQuY29tIiwicmVwb3NpdG9yeSI6Im9jdG8tb3JnL2FwcCJ9.c2lnbmF0dXJl"
         *     }
         */
        WorkloadToken: {
            /** @description The JWT of the workload */
            token: string;
        };
        WorkloadTokenCheck: {
            /** @example kwc_0Zk3tQ9xWb7YpLr2VfHd */
            client_id: string;
            /** @description Whether the token meets one of the trusts */
            is_met: boolean;
            trusts: components["schemas"]["TrustComparison"][];
        };
        WorkloadTokenClaim: {
            claim: string;
            is_met: boolean;
            /** @description What the trust requires */
            required: string;
            /** @description Of a condition of the trust: its patterns. One must match */
            patterns?: string[];
            /** @description What the token has, shortened */
            found: string;
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
        /** @description Invalid access token (invalid_token); Access token required (missing_token); Invalid DPoP proof (invalid_dpop_proof); DPoP nonce required (use_dpop_nonce) */
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
            query?: {
                /** @description true: describe the callers that the request would affect, and change nothing */
                dry_run?: "true" | "false";
            };
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
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DryRun"];
                };
            };
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
            query?: {
                /** @description true: describe the callers that the request would affect, and change nothing */
                dry_run?: "true" | "false";
            };
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
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DryRun"];
                };
            };
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
    listOwnKeyPairs: {
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
                    "application/json": components["schemas"]["KeyPairList"];
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
    generateOwnNamedKeyPair: {
        parameters: {
            query?: {
                /** @description true: describe the callers that the request would affect, and change nothing */
                dry_run?: "true" | "false";
            };
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
                "application/json": components["schemas"]["NamedKeyPairGeneration"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DryRun"];
                };
            };
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
    listKeyPairs: {
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
                    "application/json": components["schemas"]["KeyPairList"];
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
    generateNamedKeyPair: {
        parameters: {
            query?: {
                /** @description true: describe the callers that the request would affect, and change nothing */
                dry_run?: "true" | "false";
            };
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
        requestBody: {
            content: {
                "application/json": components["schemas"]["NamedKeyPairGeneration"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DryRun"];
                };
            };
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
    listClients: {
        parameters: {
            query?: {
                kind?: "application" | "key_pair";
                /** @description The beginnings of words of the name, a complete client id, the email address of a key pair's owner, or for operators a complete external id */
                search?: string;
                status?: "active" | "archived";
                account_id?: string;
                /** @description The complete external ID; for operators only */
                external_id?: string;
                /** @description Only clients that may use this grant type */
                grant?: "authorization_code" | "refresh_token" | "client_credentials" | "urn:ietf:params:oauth:grant-type:device_code" | "urn:ietf:params:oauth:grant-type:token-exchange" | "urn:ietf:params:oauth:grant-type:jwt-bearer";
                /** @description Only active clients that were not used for so many days, those unused for longest first */
                unused_days?: number;
                /** @description Only active clients whose client secret or API key expires within so many days, those that expire first first */
                expiring_days?: number;
                /** @description The email address of the user who owns the key pair, or who created the application */
                owner?: string;
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
                        items: components["schemas"]["ClientSummary"][];
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
    readKeyPairDetails: {
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
                    "application/json": components["schemas"]["KeyPairDetails"];
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
    updateKeyPair: {
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
                "application/json": components["schemas"]["KeyPairChange"];
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
                    "application/json": components["schemas"]["ChangedKeyPair"];
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
    stopKeyPair: {
        parameters: {
            query?: {
                /** @description true: describe the callers that the request would affect, and change nothing */
                dry_run?: "true" | "false";
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
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StoppedKeyPair"] | components["schemas"]["DryRun"];
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
    listApplications: {
        parameters: {
            query?: {
                /** @description The beginnings of words, or a complete id; for operators also a complete external ID */
                search?: string;
                status?: "active" | "archived";
                account_id?: string;
                /** @description The complete external ID; for operators only */
                external_id?: string;
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
    deleteApplication: {
        parameters: {
            query?: {
                /** @description true: describe the callers that the request would affect, and change nothing */
                dry_run?: "true" | "false";
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
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DryRun"];
                };
            };
            /** @description Accepted */
            202: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Deletion"];
                };
            };
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
            query?: {
                /** @description true: describe the callers that the request would affect, and change nothing */
                dry_run?: "true" | "false";
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
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApplicationSettings"] | components["schemas"]["DryRun"];
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
    archiveApplications: {
        parameters: {
            query?: {
                /** @description true: describe the callers that the request would affect, and change nothing */
                dry_run?: "true" | "false";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ArchivalOfApplications"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ArchivedApplications"] | components["schemas"]["DryRun"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            409: components["responses"]["Problem409"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
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
    listApplicationSecrets: {
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
                    "application/json": components["schemas"]["ClientSecrets"];
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
    rotateApplicationSecret: {
        parameters: {
            query?: {
                /** @description true: describe the callers that the request would affect, and change nothing */
                dry_run?: "true" | "false";
            };
            header?: {
                /**
                 * @description The ETag of the last read, or * to change any revision
                 * @example "3"
                 */
                "If-Match"?: string;
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
                    "application/json": components["schemas"]["DryRun"];
                };
            };
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
            412: components["responses"]["Problem412"];
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
            query?: {
                /** @description true: describe the callers that the request would affect, and change nothing */
                dry_run?: "true" | "false";
            };
            header?: never;
            path: {
                client_id: string;
                secret_id: string;
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
                    "application/json": components["schemas"]["DryRun"];
                };
            };
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
    updateApplicationSecret: {
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
                secret_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SecretRetirement"];
            };
        };
        responses: {
            /** @description No Content */
            204: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content?: never;
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
    addApplicationKeys: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description The ETag of the last read, or * to change any revision
                 * @example "3"
                 */
                "If-Match"?: string;
            };
            path: {
                client_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["KeyAddition"];
            };
        };
        responses: {
            /** @description No Content */
            204: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            409: components["responses"]["Problem409"];
            412: components["responses"]["Problem412"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    fetchApplicationKeys: {
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
                    "application/json": {
                        /** @description When the last successful fetch began */
                        fetched_at: string | null;
                        /** @description When the last fetch failed; null: it did not */
                        failed_at: string | null;
                        /** @description Why it failed */
                        failure: string | null;
                        /** @description Until when no fetch is made, over all nodes; null: one can be made now */
                        cools_until: string | null;
                    };
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
    addApplicationTrust: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description The ETag of the last read, or * to change any revision
                 * @example "3"
                 */
                "If-Match"?: string;
            };
            path: {
                client_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TrustAddition"];
            };
        };
        responses: {
            /** @description No Content */
            204: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            409: components["responses"]["Problem409"];
            412: components["responses"]["Problem412"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    updateApplicationTrust: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description The ETag of the last read, or * to change any revision
                 * @example "3"
                 */
                "If-Match"?: string;
            };
            path: {
                client_id: string;
                secret_id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["TrustChange"];
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
                    "application/json": components["schemas"]["UpdatedTrust"];
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
    checkWorkloadToken: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                client_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["WorkloadToken"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WorkloadTokenCheck"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            409: components["responses"]["Problem409"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
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
            query?: {
                /** @description true: describe the callers that the request would affect, and change nothing */
                dry_run?: "true" | "false";
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
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Revoked"] | components["schemas"]["DryRun"];
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
            query?: {
                /** @description true: describe the callers that the request would affect, and change nothing */
                dry_run?: "true" | "false";
            };
            header?: never;
            path: {
                client_id: string;
                jti: string;
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
                    "application/json": components["schemas"]["DryRun"];
                };
            };
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
            query?: {
                /** @description true: describe the callers that the request would affect, and change nothing */
                dry_run?: "true" | "false";
            };
            header?: never;
            path: {
                client_id: string;
                grant_id: string;
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
                    "application/json": components["schemas"]["DryRun"];
                };
            };
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
            query?: {
                /** @description true: describe the callers that the request would affect, and change nothing */
                dry_run?: "true" | "false";
            };
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
                    "application/json": components["schemas"]["Revoked"] | components["schemas"]["DryRun"];
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
    inspectHeader: {
        parameters: {
            query?: {
                /** @description The API that refused the token */
                api?: string;
                /** @description A scope that the API needs */
                scope?: string;
            };
            header: {
                /** @description A JWT, its `jti`, a client ID, a client secret or API key or its last four characters, an application name, or an email address */
                "Keywright-Inspect": string;
            };
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
                    "application/json": components["schemas"]["Inspection"];
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
    inspect: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /**
                     * @description A JWT, its `jti`, a client ID, a client secret or API key or its last four characters, an application name, or an email address
                     * @example kwc_0Zk3tQ9xWb7YpLr2VfHd
                     */
                    text: string;
                    /**
                     * @description The API that refused the token
                     * @example https://api.example.com
                     */
                    api?: string;
                    /** @description A scope that the API needs */
                    scope?: string;
                };
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Inspection"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            409: components["responses"]["Problem409"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    listLeakReports: {
        parameters: {
            query?: {
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
                        items: components["schemas"]["LeakReport"][];
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
    reportLeaks: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @description A client secret, API key, refresh token or access token */
                    token: string;
                    /** @description The name of the pattern that found it; it is returned */
                    type?: string;
                    /** @description Where it was found; query and fragment are not stored */
                    url?: string;
                    /** @description The kind of place, such as `commit` */
                    source?: string;
                }[];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LeakFeedback"][];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            409: components["responses"]["Problem409"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    getLeakReport: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                leak_id: string;
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
                    "application/json": components["schemas"]["LeakReport"];
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
    dismissLeakReport: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                leak_id: string;
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
    readClientRefusals: {
        parameters: {
            query?: {
                /** @description The last day (default), or the last seven days */
                days?: "1" | "7";
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
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ClientRefusals"];
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
    readClientUsage: {
        parameters: {
            query?: {
                step?: "hour" | "day";
                from?: string;
                to?: string;
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
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ClientUsage"];
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
    listRefusedClients: {
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
                    "application/json": components["schemas"]["RefusedClients"];
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
    exportUsage: {
        parameters: {
            query?: {
                account_id?: string;
                from?: string;
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
                    "text/csv": string;
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
    readRevocationEffect: {
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
                    "application/json": components["schemas"]["RevocationEffect"];
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
    offboardUser: {
        parameters: {
            query?: {
                /** @description true: describe the callers that the request would affect, and change nothing */
                dry_run?: "true" | "false";
            };
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
                    "application/json": components["schemas"]["User"] | components["schemas"]["DryRun"];
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
                /** @description The beginnings of words, or a complete id; for operators also a complete external ID */
                search?: string;
                /** @description A member signs in to applications, a viewer also sees what the account has, a developer also has key pairs and manages applications, an admin manages the account, and an operator the instance */
                role?: "member" | "viewer" | "developer" | "admin" | "operator";
                /** @description disabled: the user cannot sign in, and all their tokens are revoked; deleting: disabled, and being deleted */
                status?: "active" | "disabled" | "deleting";
                account_id?: string;
                /** @description The complete external ID; for operators only */
                external_id?: string;
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
    deleteUser: {
        parameters: {
            query?: {
                /** @description true: describe the callers that the request would affect, and change nothing */
                dry_run?: "true" | "false";
            };
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
                    "application/json": components["schemas"]["DryRun"];
                };
            };
            /** @description Accepted */
            202: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Deletion"];
                };
            };
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
    updateUser: {
        parameters: {
            query?: {
                /** @description true: describe the callers that the request would affect, and change nothing */
                dry_run?: "true" | "false";
            };
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
                    "application/json": components["schemas"]["User"] | components["schemas"]["DryRun"];
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
            query?: {
                /** @description true: describe the callers that the request would affect, and change nothing */
                dry_run?: "true" | "false";
            };
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
                    "application/json": components["schemas"]["User"] | components["schemas"]["DryRun"];
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
    sendVerification: {
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
    resetFactors: {
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
    listSessionsOfUser: {
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
                    "application/json": {
                        items: components["schemas"]["UserSession"][];
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
    listMemberships: {
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
                    "application/json": {
                        items: components["schemas"]["Membership"][];
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
    addMembership: {
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
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewMembership"];
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
                    "application/json": components["schemas"]["Membership"];
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
    removeMembership: {
        parameters: {
            query?: {
                /** @description true: describe the callers that the request would affect, and change nothing */
                dry_run?: "true" | "false";
            };
            header?: never;
            path: {
                user_id: string;
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
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DryRun"];
                };
            };
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
    updateMembership: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                user_id: string;
                account_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["MembershipChange"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Membership"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            409: components["responses"]["Problem409"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    listIdentitiesOfUser: {
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
                    "application/json": {
                        items: components["schemas"]["UserIdentity"][];
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
    removeIdentityOfUser: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                user_id: string;
                identity_id: string;
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
    listScimTokens: {
        parameters: {
            query?: {
                /** @description For operators, who must name it; default: the own account */
                account_id?: string;
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
                    "application/json": {
                        items: components["schemas"]["ScimToken"][];
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
    generateScimToken: {
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
                "application/json": components["schemas"]["NewScimToken"];
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
                    "application/json": components["schemas"]["ScimTokenWithSecret"];
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
    readScimToken: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                token_id: string;
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
                    "application/json": components["schemas"]["ScimToken"];
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
    revokeScimToken: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                token_id: string;
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
    listInitialAccessTokens: {
        parameters: {
            query?: {
                /** @description For operators, who must name it; default: the own account */
                account_id?: string;
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
                    "application/json": {
                        items: components["schemas"]["InitialAccessToken"][];
                        /** @description Whether the operator lets applications register with them */
                        is_enabled: boolean;
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
    generateInitialAccessToken: {
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
                "application/json": components["schemas"]["NewInitialAccessToken"];
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
                    "application/json": components["schemas"]["InitialAccessTokenWithSecret"];
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
    readInitialAccessToken: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                initial_access_token_id: string;
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
                    "application/json": components["schemas"]["InitialAccessToken"];
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
    revokeInitialAccessToken: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                initial_access_token_id: string;
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
    listSoftwareStatementIssuers: {
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
                        items: components["schemas"]["ListedSoftwareStatementIssuer"][];
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
    trustSoftwareStatementIssuer: {
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
                "application/json": components["schemas"]["NewSoftwareStatementIssuer"];
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
                    "application/json": components["schemas"]["SoftwareStatementIssuer"];
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
    readSoftwareStatementIssuer: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                issuer_id: string;
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
                    "application/json": components["schemas"]["SoftwareStatementIssuerDetails"];
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
    removeSoftwareStatementIssuer: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                issuer_id: string;
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
    streamEvents: {
        parameters: {
            query?: {
                account_id?: string;
                /** @description For clients that cannot send the header Last-Event-ID */
                last_event_id?: string;
            };
            header?: {
                /** @description The ID of the last event that was read; 0: from the oldest event; absent: from now on */
                "Last-Event-ID"?: string;
            };
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
                    "text/event-stream": string;
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
    listWebhooks: {
        parameters: {
            query?: {
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
                        items: components["schemas"]["Webhook"][];
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
    createWebhook: {
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
                "application/json": components["schemas"]["NewWebhook"];
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
                    "application/json": components["schemas"]["WebhookWithSecret"];
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
    readWebhook: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                webhook_id: string;
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
                    "application/json": components["schemas"]["Webhook"];
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
    deleteWebhook: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                webhook_id: string;
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
    updateWebhook: {
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
                webhook_id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["WebhookChange"];
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
                    "application/json": components["schemas"]["Webhook"];
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
    rotateWebhookSecret: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                webhook_id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    /**
                     * @description Seconds for which the previous secret signs too; each message then has both signatures
                     * @default 86400
                     */
                    overlap?: number;
                };
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WebhookWithSecret"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            409: components["responses"]["Problem409"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    disableWebhook: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                webhook_id: string;
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
                    "application/json": components["schemas"]["Webhook"];
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
    enableWebhook: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                webhook_id: string;
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
                    "application/json": components["schemas"]["Webhook"];
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
    testWebhook: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                webhook_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /**
                         * Format: uuid
                         * @example 019a7f3e-6c1b-7d52-9a54-3f1c2b7e8d90
                         */
                        delivery_id: string;
                    };
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
    listWebhookDeliveries: {
        parameters: {
            query?: {
                /** @description The maximum number of items */
                limit?: number;
                /** @description `next` of the previous page */
                after?: string;
            };
            header?: never;
            path: {
                webhook_id: string;
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
                        items: components["schemas"]["WebhookDelivery"][];
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
    readWebhookDelivery: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                webhook_id: string;
                delivery_id: string;
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
                    "application/json": components["schemas"]["WebhookDeliveryDetails"];
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
    resendWebhookDelivery: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                webhook_id: string;
                delivery_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Accepted */
            202: {
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
    listIdentityProviders: {
        parameters: {
            query?: {
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
                        items: components["schemas"]["IdentityProvider"][];
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
    createIdentityProvider: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewIdentityProvider"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["IdentityProviderWithDomains"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            409: components["responses"]["Problem409"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    readIdentityProvider: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                provider_id: string;
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
                    "application/json": components["schemas"]["IdentityProviderWithDomains"];
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
    deleteIdentityProvider: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                provider_id: string;
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
    updateIdentityProvider: {
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
                provider_id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["IdentityProviderChange"];
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
                    "application/json": components["schemas"]["IdentityProviderWithDomains"];
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
    disableIdentityProvider: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                provider_id: string;
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
                    "application/json": components["schemas"]["IdentityProviderWithDomains"];
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
    enableIdentityProvider: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                provider_id: string;
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
                    "application/json": components["schemas"]["IdentityProviderWithDomains"];
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
    testIdentityProvider: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                provider_id: string;
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
                    "application/json": components["schemas"]["IdentityProviderWithDomains"];
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
    addEmailDomain: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                provider_id: string;
                domain: string;
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
                    "application/json": components["schemas"]["IdentityProviderWithDomains"];
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
    removeEmailDomain: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                provider_id: string;
                domain: string;
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
    verifyEmailDomain: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                provider_id: string;
                domain: string;
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
                    "application/json": components["schemas"]["IdentityProviderWithDomains"];
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
    listAccounts: {
        parameters: {
            query?: {
                /** @description The beginnings of words, or a complete id; for operators also a complete external ID */
                search?: string;
                /** @description disabled: its users cannot sign in, and all its tokens are revoked; deleting: disabled, and being deleted with all that it has */
                status?: "active" | "disabled" | "deleting";
                /** @description The complete external ID; for operators only */
                external_id?: string;
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
    deleteAccount: {
        parameters: {
            query?: {
                /** @description true: describe the callers that the request would affect, and change nothing */
                dry_run?: "true" | "false";
            };
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
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DryRun"];
                };
            };
            /** @description Accepted */
            202: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Deletion"];
                };
            };
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
            query?: {
                /** @description true: describe the callers that the request would affect, and change nothing */
                dry_run?: "true" | "false";
            };
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
                    "application/json": components["schemas"]["Account"] | components["schemas"]["DryRun"];
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
            query?: {
                /** @description true: describe the callers that the request would affect, and change nothing */
                dry_run?: "true" | "false";
            };
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
                    "application/json": components["schemas"]["Account"] | components["schemas"]["DryRun"];
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
    upsertAccount: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Your own ID, percent-encoded */
                external_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AccountUpsert"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Account"];
                };
            };
            /** @description Created */
            201: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
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
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    upsertAccounts: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/x-ndjson": components["schemas"]["AccountLine"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    [name: string]: unknown;
                };
                content: {
                    "application/x-ndjson": components["schemas"]["UpsertedLine"];
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
    upsertUser: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Your own ID, percent-encoded */
                external_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UserUpsert"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["User"];
                };
            };
            /** @description Created */
            201: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
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
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    upsertUsers: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/x-ndjson": components["schemas"]["UserLine"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    [name: string]: unknown;
                };
                content: {
                    "application/x-ndjson": components["schemas"]["UpsertedLine"];
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
    createConsoleSession: {
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
                "application/json": components["schemas"]["ConsoleSessionRequest"];
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
                    "application/json": components["schemas"]["ConsoleSession"];
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
    createDelegatedToken: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["DelegatedTokenRequest"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DelegatedToken"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            409: components["responses"]["Problem409"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    readSignInChallenge: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The query parameter `sign_in_challenge` of your sign-in URL */
                challenge: string;
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
                    "application/json": components["schemas"]["SignInChallenge"];
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
    acceptSignIn: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The query parameter `sign_in_challenge` of your sign-in URL */
                challenge: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SignInAcceptance"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AnsweredSignInChallenge"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            409: components["responses"]["Problem409"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    rejectSignIn: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The query parameter `sign_in_challenge` of your sign-in URL */
                challenge: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["SignInRejection"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AnsweredSignInChallenge"];
                };
            };
            400: components["responses"]["Problem400"];
            401: components["responses"]["Problem401"];
            403: components["responses"]["Problem403"];
            404: components["responses"]["Problem404"];
            409: components["responses"]["Problem409"];
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
    exportUserData: {
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
                    "application/x-ndjson": components["schemas"]["UserData"];
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
    deleteApi: {
        parameters: {
            query?: {
                /** @description true: describe the callers that the request would affect, and change nothing */
                dry_run?: "true" | "false";
            };
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
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DryRun"];
                };
            };
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
    listApiSecrets: {
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
                    "application/json": components["schemas"]["ClientSecrets"];
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
    rotateApiSecret: {
        parameters: {
            query?: {
                /** @description true: describe the callers that the request would affect, and change nothing */
                dry_run?: "true" | "false";
            };
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
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DryRun"];
                };
            };
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
    retireApiSecret: {
        parameters: {
            query?: {
                /** @description true: describe the callers that the request would affect, and change nothing */
                dry_run?: "true" | "false";
            };
            header?: never;
            path: {
                identifier: string;
                secret_id: string;
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
                    "application/json": components["schemas"]["DryRun"];
                };
            };
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
    updateApiSecret: {
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
                secret_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SecretRetirement"];
            };
        };
        responses: {
            /** @description No Content */
            204: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    RateLimit: components["headers"]["RateLimit"];
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content?: never;
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
    addApiKeys: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                identifier: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ApiKeyAddition"];
            };
        };
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
            413: components["responses"]["Problem413"];
            415: components["responses"]["Problem415"];
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
            query?: {
                /** @description true: describe the callers that the request would affect, and change nothing */
                dry_run?: "true" | "false";
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
                    "application/json": components["schemas"]["Instance"] | components["schemas"]["DryRun"];
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
    revokeSigningKey: {
        parameters: {
            query?: {
                /** @description true: describe the callers that the request would affect, and change nothing */
                dry_run?: "true" | "false";
            };
            header?: never;
            path: {
                kid: string;
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
                    "application/json": components["schemas"]["RevokedSigningKey"] | components["schemas"]["SigningKeyDryRun"];
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
    listMailMessages: {
        parameters: {
            query?: {
                status?: "queued" | "sent" | "failed";
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
                        items: components["schemas"]["MailMessage"][];
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
    getMailMessage: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                message_id: string;
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
                    "application/json": components["schemas"]["MailMessage"];
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
    sendMailMessageAgain: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                message_id: string;
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
    sendTestMail: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
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
            409: components["responses"]["Problem409"];
            429: components["responses"]["Problem429"];
            500: components["responses"]["Problem500"];
            503: components["responses"]["Problem503"];
        };
    };
}
