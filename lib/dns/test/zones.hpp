// Zones shared by tests and fuzzers.
#pragma once

#include <string_view>

namespace fata::dns {

// The zone of RFC 4592 section 2.2.1, with additions for other features.
inline constexpr std::string_view kExampleZone = R"($ORIGIN example.
$TTL 3600
@ 3600 IN SOA ns1.example.com. hostmaster.example.com. 1 7200 3600 1209600 300
@ NS ns1.example.com.
@ NS ns
@ MX 10 host1
ns A 192.0.2.53
ns AAAA 2001:db8::53
* TXT "this is a wildcard"
* MX 10 host1.example.
sub.*.example. TXT "this is not a wildcard"
host1.example. A 192.0.2.1
_ssh._tcp.host1.example. SRV 0 0 22 host1
_ssh._tcp.host2.example. SRV 0 0 22 host1
subdel.example. NS ns.example.com.
subdel.example. NS ns.example.net.
glue NS ns.glue
glue NS a.very.deep.glue
glue DS 12345 13 2 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f
ns.glue A 192.0.2.99
a.very.deep.glue AAAA 2001:db8::99
alias CNAME host1
far CNAME www.elsewhere.test.
loop1 CNAME loop2
loop2 CNAME loop1
dangling CNAME nothing.host1
tocut CNAME www.glue
old DNAME new
www.new A 192.0.2.80
self DNAME deeper.self2
out DNAME target.test.
big TXT "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789" "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789" "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789" "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789" "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
svc HTTPS 1 host1 alpn=h2,h3 port=8443 ipv4hint=192.0.2.1
svc TYPE65280 \# 4 01020304
*.wc.deep CNAME host1
)";

// The zone that kExampleZone delegates, served together with it.
inline constexpr std::string_view kChildZone = R"($ORIGIN glue.example.
$TTL 60
@ SOA ns hostmaster 7 1 1 1 30
@ NS ns
ns A 192.0.2.99
www A 192.0.2.100
)";

// Not actually signed: signatures are data like any other.
inline constexpr std::string_view kSignedZone = R"($ORIGIN signed.test.
$TTL 3600
@ SOA ns hostmaster 1 7200 3600 1209600 300
@ RRSIG SOA 13 2 3600 20300101000000 20200101000000 1 signed.test. AAAA
@ NS ns
@ RRSIG NS 13 2 3600 20300101000000 20200101000000 1 signed.test. AAEB
@ DNSKEY 257 3 13 AAECAwQFBgc=
@ RRSIG DNSKEY 13 2 3600 20300101000000 20200101000000 1 signed.test. AAEC
@ NSEC ns SOA NS RRSIG NSEC DNSKEY
ns A 192.0.2.1
ns RRSIG A 13 3 3600 20300101000000 20200101000000 1 signed.test. AAED
ns NSEC cut A RRSIG NSEC
ns RRSIG NSEC 13 3 3600 20300101000000 20200101000000 1 signed.test. AAEE
cut NS ns.cut
cut DS 1 13 2 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f
cut RRSIG DS 13 3 3600 20300101000000 20200101000000 1 signed.test. AAEF
ns.cut A 192.0.2.2
insecure NS ns.elsewhere.test.
insecure NSEC signed.test. NS RRSIG NSEC
)";

}  // namespace fata::dns
