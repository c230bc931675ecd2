/* SPDX-License-Identifier: Apache-2.0 */
/* grpc_tls.c - the server's TLS: certificate, key, and whom to trust. */
#include <openssl/err.h>
#include <string.h>

#include "connect/grpc_conn.h"

static ch_status tls_error(const char *action, const char *path, ch_error *err)
{
    char reason[160] = "unknown";
    unsigned long code = ERR_peek_last_error();
    if (code)
        ERR_error_string_n(code, reason, sizeof reason);
    ERR_clear_error();
    CH_FAIL(err, IO, "action", action, "path", path, "reason", reason);
}

/* ALPN: h2 and nothing else. */
static int choose_h2(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                     const unsigned char *in, unsigned int in_len, void *user)
{
    CH_UNUSED(ssl);
    CH_UNUSED(user);
    for (unsigned i = 0; i + 1 <= in_len && i + 1u + in[i] <= in_len; i += 1u + in[i]) {
        if (in[i] == 2 && memcmp(in + i + 1, "h2", 2) == 0) {
            *out = in + i + 1;
            *out_len = 2;
            return SSL_TLSEXT_ERR_OK;
        }
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

ch_status grpc_tls_init(ch_grpc_server *s, ch_error *err)
{
    const ch_grpc_options *o = &s->options;
    if (!o->tls_cert && !o->tls_key && !o->tls_client_ca)
        return CH_OK;
    if (!o->tls_cert || !o->tls_key)
        CH_FAIL(err, INVALID_OPTION, "name", o->tls_cert ? "tls-key" : "tls-cert", "value", "",
                "expected", "a PEM file: certificate and key belong together");
    s->tls = SSL_CTX_new(TLS_server_method());
    if (!s->tls)
        return tls_error("start TLS with", o->tls_cert, err);
    SSL_CTX_set_min_proto_version(s->tls, TLS1_2_VERSION);
    SSL_CTX_set_mode(s->tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                 SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_alpn_select_cb(s->tls, choose_h2, NULL);
    if (SSL_CTX_use_certificate_chain_file(s->tls, o->tls_cert) != 1)
        return tls_error("use the certificate", o->tls_cert, err);
    if (SSL_CTX_use_PrivateKey_file(s->tls, o->tls_key, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(s->tls) != 1)
        return tls_error("use the private key", o->tls_key, err);
    if (o->tls_client_ca) {
        if (SSL_CTX_load_verify_locations(s->tls, o->tls_client_ca, NULL) != 1)
            return tls_error("use the certificates of clients' authorities", o->tls_client_ca, err);
        SSL_CTX_set_verify(s->tls, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    }
    return CH_OK;
}
