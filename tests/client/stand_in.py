# SPDX-License-Identifier: Apache-2.0
"""A web server and an S3 server in one, that can be told to fail.

    with StandIn() as s:
        s.put("lake", "a/b.csv", b"...")      an object; also at s.url + "/lake/a/b.csv" for the HTTP tests
        s.fail("GET /lake/a", status=503)     the next request whose line begins so; times=2, times=-1 ...

S3 requests are recognised by their signature, which is computed again and compared; an S3 request without one is answered
only where `anonymous` is set. Everything else is a plain file request.
"""
import base64
import hashlib
import hmac
import re
import ssl
import threading
import time
import urllib.parse
import uuid
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from xml.etree import ElementTree
from xml.sax.saxutils import escape

ACCESS, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"


class Fault:
    def __init__(self, begins, times, **how):
        self.begins, self.times, self.how = begins, times, how


class Object:
    def __init__(self, data, etag=None):
        self.data = data
        self.etag = etag or '"%s"' % hashlib.md5(data).hexdigest()
        self.mtime = int(time.time())


class StandIn:
    def __init__(self, region="us-east-1", ranges=True, etags=True, lengths=True, anonymous=False, page=1000, tls=None):
        self.tls = tls         # (certificate, key)
        self.region, self.ranges, self.etags, self.lengths = region, ranges, etags, lengths
        self.anonymous, self.page = anonymous, page
        self.token = None      # of temporary credentials
        self.buckets, self.uploads = {"lake": {}}, {}
        self.faults, self.log, self.headers = [], [], []
        self.redirects = {}    # path -> (status, place)
        self.pages = {}        # path -> body, or function of the request
        self.lock = threading.RLock()
        self.delay = 0
        self.encodes = True    # keys of listings

    def __enter__(self):
        handler = type("Handler", (Handler,), {"s": self})
        self.server = Server(("127.0.0.1", 0), handler)
        self.port = self.server.server_address[1]
        if self.tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self.tls)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"http{'s' if self.tls else ''}://127.0.0.1:{self.port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def put(self, bucket, key, data, etag=None):
        self.buckets.setdefault(bucket, {})[key] = Object(data, etag)

    def keys(self, bucket="lake"):
        return sorted(self.buckets[bucket])

    def fail(self, begins, times=1, **how):
        """status=503 (headers={}, code="SlowDown"), cut=BYTES sent before the connection ends, slow=SECONDS, change=True."""
        self.faults.append(Fault(begins, times, **how))

    def count(self, begins):
        return sum(line.startswith(begins) for line in self.log)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        pass  # clients that went away


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    s = None

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.answer()

    do_HEAD = do_PUT = do_POST = do_DELETE = do_GET

    # ---- plumbing

    def reply(self, status, body=b"", headers=None, length=None):
        if isinstance(body, str):
            body = body.encode()
        cut = self.fault.get("cut")
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("x-amz-request-id", "REQ" + uuid.uuid4().hex[:8])
        chunked = not self.s.lengths and status == 200 and self.command == "GET" and not self.signed
        if chunked:
            self.send_header("Transfer-Encoding", "chunked")
        elif status != 204:
            self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        if self.command == "HEAD":
            return
        if cut is not None and cut < len(body):
            self.wfile.write(body[:cut])
            self.wfile.flush()
            self.close_connection = True
            self.connection.close()
            return
        if chunked:
            for at in range(0, len(body), 65536):
                part = body[at:at + 65536]
                self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            self.wfile.write(b"0\r\n\r\n")
        else:
            self.wfile.write(body)

    def error(self, status, code, message="as told", headers=None, more=""):
        self.reply(status, f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}</Message>{more}"
                           f"<RequestId>R42</RequestId></Error>", headers)

    def answer(self):
        self.fault = {}
        length = int(self.headers.get("Content-Length") or 0)
        self.body = self.rfile.read(length)
        self.raw_path, _, self.raw_query = self.path.partition("?")
        self.query = dict(urllib.parse.parse_qsl(self.raw_query, keep_blank_values=True))
        self.signed = "AWS4-HMAC-SHA256" in self.headers.get("Authorization", "") or \
            (self.s.anonymous and "Range" not in self.headers and bool(self.query))
        line = f"{self.command} {self.path}"
        with self.s.lock:
            self.s.log.append(line)
            self.s.headers.append(dict(self.headers.items()))
            for fault in self.s.faults:
                if fault.times and line.startswith(fault.begins):
                    fault.times -= 1
                    self.fault = fault.how
                    break
        time.sleep(self.fault.get("slow", self.s.delay))
        if "status" in self.fault:
            return self.error(self.fault["status"], self.fault.get("code", "InternalError"),
                              headers=self.fault.get("headers"), more=self.fault.get("more", ""))
        if "answer" in self.fault:
            return self.reply(200, self.fault["answer"])
        if self.fault.get("cut") == -1:  # not even a status
            self.close_connection = True
            return self.connection.close()
        path = urllib.parse.unquote(self.raw_path)
        if path in self.s.redirects:
            status, place = self.s.redirects[path]
            return self.reply(status, headers={"Location": place})
        if path in self.s.pages:
            page = self.s.pages[path]
            return self.reply(200, page(self) if callable(page) else page)
        bucket, _, key = path[1:].partition("/")
        if self.signed:
            if "Authorization" in self.headers and not self.check_signature():
                return None
            return self.s3(bucket, key)
        if self.command in ("GET", "HEAD"):
            return self.file(bucket, key)
        return self.error(403, "AccessDenied")

    # ---- files

    def file(self, bucket, key):
        with self.s.lock:
            found = self.s.buckets.get(bucket, {}).get(key)
            if not found:
                return self.error(404, "NoSuchKey" if bucket in self.s.buckets else "NoSuchBucket")
            if self.fault.get("change"):
                self.s.put(bucket, key, found.data[::-1])
                found = self.s.buckets[bucket][key]
        data = found.data
        headers = {"Last-Modified": formatdate(found.mtime, usegmt=True)}
        if self.s.etags:
            headers["ETag"] = found.etag
        wanted = self.headers.get("If-Match")
        if wanted and self.s.etags and wanted != found.etag:
            return self.error(412, "PreconditionFailed")
        span = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if span and (self.s.ranges or self.signed):
            start, stop = int(span[1]), int(span[2]) if span[2] else len(data) - 1
            if start >= len(data):
                return self.reply(416, headers={"Content-Range": f"bytes */{len(data)}"})
            stop = min(stop, len(data) - 1)
            headers["Content-Range"] = f"bytes {start}-{stop}/{len(data)}"
            return self.reply(206, data[start:stop + 1], headers)
        return self.reply(200, data, headers)

    # ---- S3

    def check_signature(self):
        m = re.match(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d+)/([^/]+)/s3/aws4_request, SignedHeaders=([^,]+), "
                     r"Signature=(\w+)", self.headers["Authorization"])
        if not m or m[1] != ACCESS:
            self.error(403, "InvalidAccessKeyId")
            return False
        if self.s.token and self.headers.get("x-amz-security-token") != self.s.token:
            self.error(400, "ExpiredToken")
            return False
        if m[3] != self.s.region:
            self.error(400, "AuthorizationHeaderMalformed", headers={"x-amz-bucket-region": self.s.region},
                       more=f"<Region>{self.s.region}</Region>")
            return False
        payload = self.headers["x-amz-content-sha256"]
        if payload not in ("UNSIGNED-PAYLOAD", hashlib.sha256(self.body).hexdigest()):
            self.error(400, "XAmzContentSHA256Mismatch")
            return False
        names = m[4].split(";")
        assert names == sorted(names) and "host" in names and "x-amz-date" in names
        for name in self.headers:
            assert not name.lower().startswith("x-amz-") or name.lower() in names, name
        pairs = sorted(urllib.parse.parse_qsl(self.raw_query, keep_blank_values=True))
        query = "&".join(f"{urllib.parse.quote(k, safe='-_.~')}={urllib.parse.quote(v, safe='-_.~')}" for k, v in pairs)
        path = urllib.parse.quote(urllib.parse.unquote(self.raw_path), safe="/-_.~")
        canonical = "\n".join([self.command, path, query,
                               *(f"{n}:{self.headers[n].strip()}" for n in names), "", m[4], payload])
        stamp = self.headers["x-amz-date"]
        scope = f"{m[2]}/{m[3]}/s3/aws4_request"
        text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        key = ("AWS4" + SECRET).encode()
        for part in (m[2], m[3], "s3", "aws4_request", text):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        if key.hex() != m[5]:
            self.error(403, "SignatureDoesNotMatch")
            return False
        return True

    def s3(self, bucket, key):
        s, q = self.s, self.query
        with s.lock:
            if bucket not in s.buckets:
                return self.error(404, "NoSuchBucket")
            objects = s.buckets[bucket]
            if self.command == "GET" and "uploads" in q:
                return self.list_uploads(bucket)
            if self.command == "GET" and "list-type" in q:
                return self.list(bucket)
            if self.command == "POST" and "delete" in q:
                assert self.headers["Content-MD5"] == base64.b64encode(hashlib.md5(self.body).digest()).decode()
                for node in ElementTree.fromstring(self.body).iter("{http://s3.amazonaws.com/doc/2006-03-01/}Key"):
                    objects.pop(node.text, None)
                return self.reply(200, "<DeleteResult/>")
            if self.command == "POST" and "uploads" in q:
                name = uuid.uuid4().hex + "/+="
                s.uploads[name] = (bucket, key, {})
                return self.reply(200, "<InitiateMultipartUploadResult><UploadId>%s</UploadId>"
                                       "</InitiateMultipartUploadResult>" % name)
            if "uploadId" in q:
                return self.upload(objects, q["uploadId"], key)
            if self.command == "PUT":
                if self.headers.get("If-None-Match") == "*" and key in objects:
                    return self.error(412, "PreconditionFailed")
                objects[key] = Object(self.body)
                return self.reply(200, headers={"ETag": objects[key].etag})
            if self.command == "DELETE":
                objects.pop(key, None)
                return self.reply(204)
        return self.file(bucket, key)

    def upload(self, objects, name, key):
        if name not in self.s.uploads:
            return self.error(404, "NoSuchUpload")
        parts = self.s.uploads[name][2]
        if self.command == "PUT":
            etag = '"%s"' % hashlib.md5(self.body).hexdigest()
            parts[int(self.query["partNumber"])] = (etag, self.body)
            return self.reply(200, headers={"ETag": etag})
        if self.command == "DELETE":
            del self.s.uploads[name]
            return self.reply(204)
        space = "{http://s3.amazonaws.com/doc/2006-03-01/}"
        listed = [(int(p.find(space + "PartNumber").text), p.find(space + "ETag").text)
                  for p in ElementTree.fromstring(self.body).iter(space + "Part")]
        assert [n for n, _ in listed] == sorted(parts)
        assert all(parts[n][0] == etag for n, etag in listed)
        assert all(len(parts[n][1]) >= 5 << 20 for n, _ in listed[:-1])
        if self.headers.get("If-None-Match") == "*" and key in objects:
            return self.error(412, "PreconditionFailed")
        whole = b"".join(parts[n][1] for n, _ in listed)
        objects[key] = Object(whole, f'"{hashlib.md5(whole).hexdigest()}-{len(listed)}"')
        del self.s.uploads[name]
        if self.fault.get("lost"):  # done, but nobody hears of it
            self.close_connection = True
            return self.connection.close()
        return self.reply(200, "  \n<CompleteMultipartUploadResult/>")

    def list_uploads(self, bucket):
        rows = [f"<Upload><Key>{escape(k)}</Key><UploadId>{n}</UploadId></Upload>"
                for n, (b, k, _) in self.s.uploads.items()
                if b == bucket and k.startswith(self.query.get("prefix", ""))]
        more = str(len(rows) > self.s.page).lower()
        return self.reply(200, f"<ListMultipartUploadsResult><IsTruncated>{more}</IsTruncated>"
                               f"{''.join(rows[:self.s.page])}</ListMultipartUploadsResult>")

    def list(self, bucket):
        s, q, objects = self.s, self.query, self.s.buckets[bucket]
        prefix, delimiter = q.get("prefix", ""), q.get("delimiter")
        after = q.get("continuation-token", "")
        most = min(int(q.get("max-keys", 1000)), self.s.page)
        names = []
        for key in sorted(objects):
            if not key.startswith(prefix):
                continue
            at = key.find(delimiter, len(prefix)) if delimiter else -1
            name = (key[:at + 1], True) if at >= 0 else (key, False)
            if (not names or names[-1] != name) and name[0] > after:
                names.append(name)
        rows = []
        for name, is_folder in names[:most]:
            shown = urllib.parse.quote_plus(name, safe="/") if s.encodes else escape(name)
            if is_folder:
                rows.append(f"<CommonPrefixes><Prefix>{shown}</Prefix></CommonPrefixes>")
            else:
                o = objects[name]
                when = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(o.mtime))
                rows.append(f"<Contents><Key>{shown}</Key><LastModified>{when}</LastModified>"
                            f"<ETag>{escape(o.etag, {chr(34): '&quot;'})}</ETag><Size>{len(o.data)}</Size></Contents>")
        more = len(names) > most
        token = f"<NextContinuationToken>{escape(names[most - 1][0])}</NextContinuationToken>" if more else ""
        return self.reply(200, f"<?xml version='1.0'?><ListBucketResult xmlns='http://s3.amazonaws.com/doc/2006-03-01/'>"
                               f"{'<EncodingType>url</EncodingType>' if s.encodes else ''}"
                               f"<IsTruncated>{str(more).lower()}</IsTruncated>{token}{''.join(rows)}</ListBucketResult>")
