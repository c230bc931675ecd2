/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lexer.h - SQL text as tokens, by the rules of Spark's grammar.
 *
 * The whole text is cut at once. Lexing never fails: what fits nothing becomes CH_TOK_UNRECOGNIZED,
 * one character long, for the parser to complain about. Comments and blanks leave no token.
 */
#ifndef CH_SQL_LEXER_H
#define CH_SQL_LEXER_H

#include "base/arena.h"

/* Single characters stand for themselves: '(' ')' '[' ']' ',' '.' ';' '+' '-' '*' '/' '%' '~' '&' '|'
 * '^' ':' '?' '!' '<' '>' '='; "==" is '=' too. */
typedef enum ch_tok_kind {
    CH_TOK_EOF = 0,
    CH_TOK_WORD = 128, /* letters, digits, _ : keywords and names */
    CH_TOK_BACKQUOTED,
    CH_TOK_STRING,        /* '...' or r'...' */
    CH_TOK_DOUBLE_QUOTED, /* "..." */
    CH_TOK_INTEGER,       /* 12 */
    CH_TOK_BIGINT,        /* 12L */
    CH_TOK_SMALLINT,      /* 12S */
    CH_TOK_TINYINT,       /* 12Y */
    CH_TOK_DECIMAL,       /* 1.5 */
    CH_TOK_EXPONENT,      /* 1.5e3 */
    CH_TOK_FLOAT,         /* 1F */
    CH_TOK_DOUBLE,        /* 1D */
    CH_TOK_BIGDECIMAL,    /* 1BD */
    CH_TOK_NULL_SAFE_EQ,  /* <=> */
    CH_TOK_NE,            /* <> != */
    CH_TOK_LE,            /* <= !> */
    CH_TOK_GE,            /* >= !< */
    CH_TOK_SHL,           /* << */
    CH_TOK_SHR,           /* >> */
    CH_TOK_USHR,          /* >>> */
    CH_TOK_CONCAT,        /* || */
    CH_TOK_CAST,          /* :: */
    CH_TOK_ARROW,         /* -> */
    CH_TOK_FAT_ARROW,     /* => */
    CH_TOK_PIPE,          /* |> */
    CH_TOK_HINT_START,
    CH_TOK_HINT_END,
    CH_TOK_UNRECOGNIZED,
} ch_tok_kind;

typedef enum ch_keyword {
    CH_KW_NONE,
#define CH_KEYWORD(word, strict) CH_KW_##word,
#include "sql/keywords.def"
#undef CH_KEYWORD
    CH_N_KEYWORDS
} ch_keyword;

typedef struct ch_token {
    int16_t kind; /* ch_tok_kind or a character */
    int16_t keyword;
    int32_t start, stop; /* bytes [start, stop) of the text */
    int32_t match;       /* of '(' : index of its ')'; -1 if it has none */
} ch_token;

typedef struct ch_tokens {
    ch_token *item; /* the last is CH_TOK_EOF, at the end of the text */
    int32_t n;
    int32_t unclosed_comment; /* where it begins, or -1 */
} ch_tokens;

/* Errors: memory only. Cost O(len). text must be shorter than 2 GiB. */
CH_NODISCARD ch_status ch_sql_lex(const char *text, size_t len, ch_arena *arena, ch_tokens *out,
                                  ch_error *err);

/* Names no table alias (JOIN, ON, ...). */
bool ch_keyword_is_strict(ch_keyword keyword);
/* "SELECT" */
const char *ch_keyword_text(ch_keyword keyword);

#endif
