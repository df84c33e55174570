r"""How notes, settings, commands and logs write a secret down, in English and Chinese.

Forms are parted by "¦" and line breaks; "{s}" is the secret, "{u}" a user, "{h}" a host, "{{" a brace and
"\n" a line break. They come from how such texts look, not from what the rules know, so that a hit rate
over them says what is missed.
"""

# ruff: noqa: E501 - a form is one line of a note
from __future__ import annotations

FILLER = """Met Priya about the migration; the old box goes away in March.
Backups run at 02:30 and keep 14 days.
Commit 9fceb02d0ae598e95dc970b74767f19372d61af8 fixed the time-out.
Ask before restarting: 3 jobs depend on it.
sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
The password policy asks for 12 characters.
Request id 7d444840-9dc0-11d1-b245-5ffdce74fad2, took 1834 ms.
Set your password with `passwd` on first login.
Tokens per second: 1850. Vocabulary of 32000 tokens.
Use `export API_KEY=<your-api-key>` as the guide says.
本周把旧机器的数据迁到新的集群，周五之前完成。
备份每天凌晨两点半执行，保留十四天。
重启之前先在群里说一声，有三个任务依赖它。
订单号 20260318114500127，金额 3288.50 元。
密码长度至少 12 位，必须包含数字。
忘记密码请联系管理员重置。
手机 13800138000，工位 5-12。
把 `password: ${DB_PASSWORD}` 写进配置，不要写明文。
请使用下列命令生成密钥：openssl rand -hex 32""".splitlines()


PASSWORDS_EN = """password: {s}¦Password = {s}¦passwd: {s}¦pwd={s}¦DB_PASSWORD={s}¦MYSQL_ROOT_PASSWORD: "{s}"¦"password": "{s}",
  password: '{s}'¦- pass: `{s}`¦Login: {u}  Password: {s}¦user: {u} / password: {s}¦The wifi password is {s}.¦password for {u}: {s}
**Password:** {s}¦* Password – `{s}`¦username {u}, password {s}¦{u} / {s} (login: user/password)¦spring.datasource.password={s}
const dbPassword = "{s}";¦db.connect(host="{h}", user="{u}", password="{s}")¦credentials: {u}/{s}¦<password>{s}</password>
mysql -h {h} -u {u} -p'{s}' orders¦sshpass -p '{s}' ssh {u}@{h}¦curl -u {u}:{s} https://{h}/api¦redis-cli -h {h} -a {s} ping
export PGPASSWORD={s}¦requirepass {s}¦Server={h};Database=crm;User Id={u};Password={s};Encrypt=true¦machine {h} login {u} password {s}
CREATE USER '{u}'@'%' IDENTIFIED BY '{s}';¦| {h} | {u} | {s} |¦pw: {s}¦Password changed to {s} on Monday¦Passphrase: {s}¦admin pw {s}
PASS: {s}¦| password | {s} |¦Wi-Fi: Guest-5G, key: {s}¦docker login -u {u} -p {s} registry.{h}¦"pwd" : "{s}"¦ftp {h} {u} {s}"""
PASSWORDS_ZH = """密码：{s}¦密码: {s}¦密码 {s}¦登录密码：`{s}`¦账号：{u} 密码：{s}¦账号/密码 {u}/{s}¦账号密码：{u} {s}¦用户名：{u}，密码：{s}
用户名 {u} 密码 {s}¦密码是 {s}¦密码改成了{s}¦密码为“{s}”，不要外传¦WiFi密码：{s}¦Wi-Fi 密码 {s}¦口令：{s}¦数据库口令 = {s}¦**密码**：{s}
- 密码（root）：{s}¦初始密码统一是{s}，首次登录要改¦| 密码 | {s} |¦密码【{s}】¦管理员口令是 {s} ，请尽快修改¦帐号 {u}，密码 {s}，端口 3306
邮箱授权码：{s}¦路由器后台 192.168.1.1 密码{s}¦服务器 {h} 账号 {u}/{s}¦密码＝{s}¦堡垒机：{u} / {s}¦vpn 账号:{u} 密码:{s}
登陆密码:{s}¦账密：{u}/{s}¦支付密码：{s}¦密 码：{s}¦密码暂时是 {s}¦root密码：{s}
数据库密码：\\n{s}¦解压密码: {s}¦门禁密码 {s}#¦PIN码：{s}"""
KEYS = """api_key: {s}¦API_KEY={s}¦"apiKey": "{s}"¦api-key = '{s}'¦X-Api-Key: {s}¦client_secret={s}¦SECRET_KEY = "{s}"¦secret: {s}
access_token: {s}¦Authorization: Bearer {s}¦token={s}¦auth_token: "{s}"¦The API key is {s}¦AccessKey Secret: {s}¦AccessKeySecret：{s}
密钥：{s}¦密钥: `{s}`¦令牌：{s}¦访问令牌 {s}¦私钥 = {s}¦SK: {s}¦app secret：{s}¦AppSecret：{s}¦秘钥是 {s}¦{{"token": "{s}"}}
curl -H "Authorization: token {s}" https://{h}¦https://{h}/v1?access_token={s}&page=2¦encryption key: {s}¦SecretKey：{s}¦| Secret | {s} |"""
ANYWHERE = """{s}¦key: {s}¦export TOKEN={s}¦用的是 {s} 这个¦"{s}"¦Authorization: Bearer {s}¦旧的 key {s} 已经停用¦- `{s}`¦  value: {s}¦（{s}）
https://{h}/?k={s}¦token：{s}¦git clone https://{u}:{s}@{h}/x.git¦echo {s} > /etc/app.key¦AccessKey ID：{s}"""
URLS = """postgres://{u}:{s}@{h}:5432/shop¦mysql://{u}:{s}@{h}/orders?charset=utf8¦mongodb+srv://{u}:{s}@{h}/test¦redis://:{s}@{h}:6379/0
amqp://{u}:{s}@{h}:5672¦DATABASE_URL="postgresql+psycopg://{u}:{s}@{h}/app"¦https://{u}:{s}@{h}/repo.git¦代理 socks5://{u}:{s}@{h}:1080
jdbc:mysql://{h}:3306/crm?user={u}&password={s}&useSSL=false¦连接串：mongodb://{u}:{s}@{h}:27017,{h}:27018/admin¦ftp://{u}:{s}@{h}"""
# A second set, written after the rules were settled on the forms above; on the first run 70.8 % of its
# passwords and 86.4 % of its keys were found, and the rules were then mended after its misses.
SECOND_PASSWORDS = """ssh {u}@{h}  # pwd {s}¦pw={s} (changed Tue)¦Root password on {h} was reset to: {s}¦My Netflix password: {s}
ansible_ssh_pass: {s}¦  ADMIN_PASSWORD: {s}¦"db": {{"user": "{u}", "pass": "{s}"}}¦os.environ["DB_PASSWORD"] = "{s}"¦NAS: {u} {s}
keystore.password={s}¦net use Z: \\\\{h}\\share /user:{u} {s}¦Password for the router -> {s}¦the password's {s}¦pass phrase: "{s}"
- Username: {u}\\n- Password: {s}¦| User | Password |\\n| --- | --- |\\n| {u} | {s} |¦PASSWORD\\n{s}¦<add key="DbPassword" value="{s}" />
wpa_passphrase={s}¦psql "host={h} user={u} password={s} dbname=x"¦认证密码：{s}（区分大小写）¦密码都是{s}¦登录账户：{u}，登录密码：{s}。
账号：{u}\\n密码：{s}¦连 {h}，用户 {u}，口令 {s}¦| 系统 | 账号 | 密码 |\\n|---|---|---|\\n| OA | {u} | {s} |¦后台密码重置为 {s}¦开机密码：{s}
默认用户名密码 {u} {s}¦用户名密码：{u}/{s}¦Redis 密码："{s}"¦wifi：Office-5G 密码：{s}¦教务系统 学号 2023001 密码 {s}¦远程桌面 {h}  {u}  密码:{s}
打开 {h} 输入密码 {s} 即可¦密码→{s}¦密码提示：无，密码：{s}¦交易密码是{s}别忘了¦老密码 {s} 已经不用了¦{u} 的密码：{s}"""
SECOND_KEYS = """OPENAI_API_KEY: "{s}"¦x-api-key={s}¦api key {s}¦API Key\\n{s}¦my token is: {s}¦secretAccessKey: '{s}',¦appsecret={s}¦--token {s}
headers = {{"Authorization": "Bearer {s}"}}¦?apikey={s}&q=1¦小程序 AppSecret {s}¦接口密钥为：{s}¦access key secret：{s}¦token 是 {s}¦钉钉加签密钥 {s}
signing_secret = "{s}"¦deploy key: {s}¦JWT_SECRET={s}¦"secretKey" : "{s}"¦app_key: {s}¦| API Key | {s} |¦腾讯云 SecretKey {s}"""
# A third set, not used for mending at first: 78.4 % of it were found; then the rules were mended after it.
THIRD_PASSWORDS = """Here is the login for the printer: {u}, password is {s}¦temp password = {s} until Friday¦DB_PWD: {s}¦"adminPassword":"{s}"
The passcode for the meeting room is {s}¦pgpass {u} password: "{s}"¦$env:DB_PASSWORD = "{s}"¦password ({h}): {s}¦new pw for vpn: {s}
MAIL_PASSWORD='{s}'¦ssl.keystore.password = {s}¦Enter {s} as the password¦http_password={s};¦login with {u} and {s}¦--password={s} \\
共享盘密码：{s}（每季度换一次）¦密码我改成 {s} 了¦账号是 {u}，密码是 {s}¦备用密码 {s}，不要告诉别人¦登录名：{u}；密码：{s}；有效期一年
用 {u} 登录，密码就是 {s}¦数据库 root 用户的密码已重置为：{s}¦ssh {u}@{h} 密码 "{s}"¦SVN口令 {s}¦密码见下：\\n{s}"""
# A fourth set, written before the third was mended after and never mended after itself: its figure is the
# fair one for forms nobody thought of.
UNSEEN = """router admin page, {u} : {s}¦creds for staging: {u} {s}¦Hint: the dog. Actual password: {s}¦BASIC_AUTH={u}:{s}
the root password on {h} is now {s}, tell Priya¦Zoom passcode: {s}¦I set the password to {s}.¦kubectl create secret generic db --from-literal=password={s}
RABBITMQ_DEFAULT_PASS={s}¦smtp pass: {s}¦ldap bind pw {s}¦encrypted zip, password "{s}"¦unlock code for the laptop: {s}¦pwd → `{s}`
Log in as {u} with password {s}¦security.user.password: {s}¦set PGPASSWORD={s}¦Master password - {s}¦mysqldump -u{u} -p{s} shop > shop.sql
sudo password: {s} (do not share)¦the pass for {h} is {s}¦"username": "{u}", "passwd": "{s}"¦Passwort: {s}¦{u} - {s} (password)¦pw for the NAS: {s}
后台：{h}，账户 {u}，密码：{s}¦管理员 {u}，密码 {s}，别外传¦密码统一为 {s}¦FTP 用户 {u} 口令 {s}¦老师说密码就用{s}¦开锁密码是{s}
登录密码改为“{s}”¦用户名：{u}\\n密  码：{s}¦数据库账号密码 {u}:{s}¦密码（新）：{s}¦{u} 邮箱的密码换成 {s} 了¦备份盘加密口令：{s}
pass：{s}¦Mysql密码={s}¦默认密码均为{s}，首次登录后修改¦压缩包密码：{s}¦VPN 密码 {s} 每月一换¦测试账号：{u}，{s}¦账号 {u} ； 密码 {s}
密码（区分大小写）{s}¦密码写在这里：{s}¦机房门口键盘密码 {s}¦我的密码一直是 {s}¦把密码设成 {s} 就行"""
CODES = """提取码：{s}¦提取码: {s}¦链接: https://pan.baidu.com/s/1aBcDeFgHiJkLmNoPqRsTuV 提取码: {s}¦https://pan.baidu.com/s/1qRsTuVwXyZ?pwd={s}¦访问码：{s}
（提取码 {s}）¦密码:{s} 链接:https://pan.quark.cn/s/ab12"""
IDS = '身份证号：{s}¦身份证 {s}¦张伟 {s} 已核验¦| 张伟 | {s} | 男 |¦ID card no. {s}¦{s}¦证件号码:{s}，有效期十年¦{{"idcard": "{s}"}}'
BLOCKS = """{s}¦key:\\n{s}¦```\\n{s}\\n```¦"private_key": "{s}"¦以下是私钥\\n{s}"""
CARDS = "卡号：{s}¦银行卡 {s} 招商银行¦card number: {s}¦Visa {s} exp 09/29¦收款账号：{s}¦| 储蓄卡 | {s} |¦工资卡{s}¦{s}"
