#include "tests/agent/imaging/nginx.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <functional>
#include <memory>
#include <vector>

namespace trident::test {
namespace {

std::string Pem(const std::function<int(BIO*)>& write) {
  BIO* memory = BIO_new(BIO_s_mem());
  REQUIRE(write(memory) == 1);
  char* data = nullptr;
  const long bytes = BIO_get_mem_data(memory, &data);
  std::string text(data, static_cast<size_t>(bytes));
  BIO_free(memory);
  return text;
}

}  // namespace

Certificate MakeCertificate(long valid_from, long valid_until) {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  REQUIRE(key != nullptr);
  REQUIRE(certificate != nullptr);
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), valid_from);
  X509_gmtime_adj(X509_getm_notAfter(certificate), valid_until);
  X509_set_pubkey(certificate, key);
  X509_NAME* name = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("127.0.0.1"), -1, -1, 0);
  X509_set_issuer_name(certificate, name);
  X509_EXTENSION* host =
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "IP:127.0.0.1");
  X509_add_ext(certificate, host, -1);
  X509_EXTENSION_free(host);
  REQUIRE(X509_sign(certificate, key, EVP_sha256()) > 0);
  Certificate pem;
  pem.certificate = Pem([&](BIO* bio) { return PEM_write_bio_X509(bio, certificate); });
  pem.key = Pem([&](BIO* bio) {
    return PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
  });
  X509_free(certificate);
  EVP_PKEY_free(key);
  return pem;
}

Nginx::Nginx() { Start(nullptr); }

Nginx::Nginx(const Certificate& certificate) { Start(&certificate); }

void Nginx::Start(const Certificate* certificate) {
  std::filesystem::create_directory(directory_ / "www");
  port_ = FreePort();
  tls_port_ = FreePort();
  std::string tls;
  if (certificate != nullptr) {
    WriteFile(certificate_path(), certificate->certificate);
    WriteFile(directory_ / "key.pem", certificate->key);
    tls = "server { listen 127.0.0.1:" + std::to_string(tls_port_) +
          " ssl; ssl_certificate certificate.pem; ssl_certificate_key key.pem; root www; }\n";
  }
  // One process: its workers would otherwise give up root and could not read the folder.
  WriteFile(directory_ / "nginx.conf",
            "daemon off;\nmaster_process off;\npid nginx.pid;\nevents {}\nhttp {\n"
            "access_log off;\nclient_body_temp_path t1; proxy_temp_path t2;\n"
            "fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5;\n"
            "server { listen 127.0.0.1:" +
                std::to_string(port_) + "; root www; }\n" + tls + "}\n");
  process_ = std::make_unique<ServerProcess>(
      std::vector<std::string>{"/usr/sbin/nginx", "-p", directory_.path(), "-c", "nginx.conf", "-e",
                               directory_ / "error.log"},
      port_, directory_ / "output.log");
}

std::string Nginx::TlsUrl(const std::string& name) const {
  return "https://127.0.0.1:" + std::to_string(tls_port_) + "/" + name;
}

void Nginx::Publish(const std::string& name, const std::string& content) const {
  WriteFile(directory_ / ("www/" + name), content);
}

}  // namespace trident::test
